/** Waiting on a completion port: in a worker_thread, or inline. */
import { kernel32Function, type Kernel32 } from '../../ffi/kernel32.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import type { WaiterKind, PortWaiter, WaiterParts } from '../platform/platform.ts';
import { InlineWaiter } from './inline-waiter.ts';
import type { WaiterData } from './waiter-program.ts';
import { WAIT_SLICE_MS } from './wait-permit.ts';
import { createWorkerWaiter } from './worker-waiter.ts';
import { WAKE_KEY } from '../iocp/completion-key.ts';
import { ENTRY_WORDS } from '../iocp/completion-port.ts';
import { PORT_PROGRAM, type PortWaiterData } from './port-program.ts';

export function createPortWaiter(kernel32: Kernel32, kind: WaiterKind, parts: WaiterParts): PortWaiter {
  const { port, onReady, onFailure } = parts;
  if (kind === 'inline') {
    return new InlineWaiter({ waitOnce: (ms) => port.dequeue(ms), blocks: true, onReady, onFailure });
  }
  const { batch, capacity, countAddress } = port;
  const count = new Uint32Array(batch.buffer, countAddress - batch.address, 1);
  const first = port.entries.subarray(0, ENTRY_WORDS);
  return createWorkerWaiter({
    program: PORT_PROGRAM,
    data: {
      GetQueuedCompletionStatusEx: kernel32Function('GetQueuedCompletionStatusEx'),
      GetLastError: kernel32Function('GetLastError'),
      port: port.handle,
      entriesAddress: batch.address,
      capacity,
      countAddress,
      sliceMs: WAIT_SLICE_MS,
      timeoutCode: WAIT_TIMEOUT,
    } satisfies Omit<PortWaiterData, keyof WaiterData>,
    // Every packet has a key or an OVERLAPPED: an entry with neither was not written since.
    prepare: () => first.fill(0),
    // (A post that fails is not minded: the thread looks up by itself after a slice.)
    interrupt: () => kernel32.PostQueuedCompletionStatus(port.handle, 0, WAKE_KEY, 0),
    pollOnce: () => port.dequeue(0),
    recover: () => (first.some((word) => word !== 0) ? (count[0] ?? 0) : 0),
    onReady,
    onFailure,
  });
}
