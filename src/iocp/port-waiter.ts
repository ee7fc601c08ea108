/** Waiting on a completion port: in a worker_thread, or inline. */
import { checkBool } from '../../ffi/check.ts';
import { kernel32Function, type Kernel32 } from '../../ffi/kernel32.ts';
import { OVERLAPPED_ENTRY } from '../../ffi/layouts.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import type { PollerKind, PortWaiter, WaiterParts } from '../winsock/kernel.ts';
import { InlineWaiter } from '../winsock/waiter/inline-waiter.ts';
import type { PollerData } from '../winsock/waiter/poller-program.ts';
import { createWorkerWaiter, WAIT_SLICE_MS } from '../winsock/waiter/worker-waiter.ts';
import { WAKE_KEY } from './completion-key.ts';
import { PORT_PROGRAM, type PortPollerData } from './port-program.ts';

export function createPortWaiter(kernel32: Kernel32, kind: PollerKind, parts: WaiterParts): PortWaiter {
  const { port, mailbox, onReady, onFailure } = parts;
  const { region, capacity, countAddress } = mailbox;
  const count = new Uint32Array(region.buffer, countAddress - region.address, 1);
  const first = new Uint32Array(region.buffer, 0, OVERLAPPED_ENTRY.size / Uint32Array.BYTES_PER_ELEMENT);
  const waitOnce = (ms: number): number => {
    const ok = kernel32.GetQueuedCompletionStatusEx(port, region.address, capacity, countAddress, ms, 0);
    if (ok !== 0) return count[0] ?? 0;
    if (kernel32.GetLastError() !== WAIT_TIMEOUT) checkBool(0, kernel32, 'GetQueuedCompletionStatusEx');
    return 0;
  };
  if (kind === 'worker') {
    return createWorkerWaiter({
      program: PORT_PROGRAM,
      data: {
        GetQueuedCompletionStatusEx: kernel32Function('GetQueuedCompletionStatusEx'),
        GetLastError: kernel32Function('GetLastError'),
        port,
        entriesAddress: region.address,
        capacity,
        countAddress,
        sliceMs: WAIT_SLICE_MS,
        timeoutCode: WAIT_TIMEOUT,
      } satisfies Omit<PortPollerData, keyof PollerData>,
      // Every packet has a key or an OVERLAPPED: an entry with neither was not written since.
      prepare: () => first.fill(0),
      interrupt: () => kernel32.PostQueuedCompletionStatus(port, 0, WAKE_KEY, 0),
      lookOnce: () => waitOnce(0),
      recover: () => (first.some((word) => word !== 0) ? (count[0] ?? 0) : 0),
      onReady,
      onFailure,
    });
  }
  return new InlineWaiter({ waitOnce, blocks: true, onReady, onFailure });
}
