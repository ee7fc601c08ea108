/** The completion port backend, which a PAL has when it is given no other. */
import type { Backend } from '../context/transport.ts';
import { CompletionSource } from './completion-source.ts';
import { OverlappedTransport } from './overlapped-transport.ts';

export const iocp: Backend = {
  name: 'iocp',
  open(parts) {
    const source = new CompletionSource(parts);
    return { source, transport: new OverlappedTransport(parts, source) };
  },
};
