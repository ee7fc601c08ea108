/** What a header says, before it is known whose it is. */
import type { ProxyHeader } from '../pal/proxy-protocol.ts';

export type HeaderFacts = Omit<ProxyHeader, 'proxy'>;
