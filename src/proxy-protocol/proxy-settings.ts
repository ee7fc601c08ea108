/** The option proxyProtocol of a server, once it has been checked. */
import type { Endpoint } from '../pal/handles.ts';
import { argumentError } from '../pal/network-error.ts';
import type { ProxyProtocolOptions } from '../pal/proxy-protocol.ts';
import { readProxyProtocol } from '../util/read-options.ts';
import { shown } from '../util/shown.ts';
import { requireInteger } from '../util/validate.ts';
import { TrustedAddresses } from './trusted-addresses.ts';

/** Milliseconds for a header. Proxies send it together with the connection, so what takes longer is a lost packet or a stranger. */
export const DEFAULT_HEADER_MS = 5000;
const MAX_HEADER_MS = 2 ** 31 - 1;
/**
 * Headers that a server waits for at a time: as many connections as the deepest pool of accepts holds. A proxy sends the header with its
 * connection, so few are ever under way.
 */
export const MAX_PENDING_HEADERS = 1024;

export type CheckedOptions = Required<{
  [Name in keyof ProxyProtocolOptions]: NonNullable<ProxyProtocolOptions[Name]>;
}>;

export interface ProxySettings {
  readonly trusted: TrustedAddresses;
  /** Who is not trusted is refused. */
  readonly required: boolean;
  readonly timeoutMs: number;
}

/** What is to be done with a connection: read its header, refuse it, or take it as it is. */
export type Treatment = 'header' | 'refuse' | 'plain';

export function treatmentOf({ trusted, required }: ProxySettings, peer: Endpoint): Treatment {
  if (trusted.has(peer.address)) return 'header';
  return required ? 'refuse' : 'plain';
}

/**
 * Reads the option once: what is checked is what is used.
 * @throws TypeError or RangeError with a code for values that make no sense
 */
export function readProxySettings(given: unknown): ProxySettings {
  return resolve(given).settings;
}

/** The same as a record of the option's own form, for whoever hands it on. */
export function checkProxyProtocol(given: unknown): CheckedOptions {
  const { texts, settings } = resolve(given);
  return { from: texts, required: settings.required, timeoutMs: settings.timeoutMs };
}

function resolve(given: unknown): { texts: readonly string[]; settings: ProxySettings } {
  const options = readProxyProtocol(given);
  const { required = true, timeoutMs = DEFAULT_HEADER_MS } = options;
  const from: unknown = options.from;
  if (!Array.isArray(from) || from.length === 0) {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_VALUE',
      'Cannot use proxyProtocol.from: it must be an array with the address or network of each proxy, at least one, and is ' +
        shown(from),
    );
  }
  requireInteger('proxyProtocol.timeoutMs', timeoutMs, 1, MAX_HEADER_MS);
  const texts = Array.from<string>(from as string[]);
  return { texts, settings: { trusted: new TrustedAddresses('proxyProtocol.from', texts), required, timeoutMs } };
}
