/** The WSAPoll backend, as createNetworkPal builds it. */
import type { OpenBackend } from '../context/transport.ts';
import { PolledTransport } from './polled-transport.ts';
import { PollSet } from './poll-set.ts';

export const openWsaPoll: OpenBackend = (parts) => {
  const source = new PollSet(parts);
  return { source, transport: new PolledTransport(parts, source) };
};
