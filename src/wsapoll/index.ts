/**
 * iocp-pal/wsapoll: readiness through WSAPoll, for comparison with completion ports. Same contract; it does not scale.
 *
 * @example
 * import { createNetworkPal } from 'iocp-pal';
 * import { wsapoll } from 'iocp-pal/wsapoll';
 * const pal = createNetworkPal({ backend: wsapoll });
 */
import type { Backend } from '../context/transport.ts';
import { PolledTransport } from './polled-transport.ts';
import { PollSet } from './poll-set.ts';

export type { Backend };

/** Waits with WSAPoll, and makes each call on a non-blocking socket when it is ready. docs/readiness.md */
export const wsapoll: Backend = Object.freeze({
  name: 'wsapoll',
  open(parts) {
    const source = new PollSet(parts);
    return { source, transport: new PolledTransport(parts, source) };
  },
} satisfies Backend);
