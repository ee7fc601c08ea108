/** The completion port backend, as createNetworkPal builds it. */
import type { OpenBackend } from '../context/transport.ts';
import { CompletionSource } from './completion-source.ts';
import { OverlappedTransport } from './overlapped-transport.ts';

export const openIocp: OpenBackend = (parts) => {
  const source = new CompletionSource(parts);
  return { source, transport: new OverlappedTransport(parts, source) };
};
