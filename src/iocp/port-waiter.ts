/** Waiting on a completion port: in a worker_thread, or inline. */
import { checkBool } from '../../ffi/check.ts';
import { kernel32Function, type Kernel32 } from '../../ffi/kernel32.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import type { PollerKind, PortWaiter, WaiterParts } from '../winsock/kernel.ts';
import { InlineWaiter } from '../winsock/waiter/inline-waiter.ts';
import type { PollerData } from '../winsock/waiter/poller-program.ts';
import { WAIT_SLICE_MS, WorkerWaiter } from '../winsock/waiter/worker-waiter.ts';
import { WAKE_KEY } from './completion-key.ts';
import { PORT_PROGRAM, type PortPollerData } from './port-program.ts';

export function createPortWaiter(kernel32: Kernel32, kind: PollerKind, parts: WaiterParts): PortWaiter {
  const { port, mailbox, onReady, onFailure } = parts;
  const { region, capacity, countAddress } = mailbox;
  if (kind === 'worker') {
    return new WorkerWaiter({
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
      interrupt: () => kernel32.PostQueuedCompletionStatus(port, 0, WAKE_KEY, 0),
      onReady,
      onFailure,
    });
  }
  const count = new Uint32Array(region.buffer, countAddress - region.address, 1);
  return new InlineWaiter({
    waitOnce: (ms) => {
      const ok = kernel32.GetQueuedCompletionStatusEx(port, region.address, capacity, countAddress, ms, 0);
      if (ok !== 0) return count[0] ?? 0;
      if (kernel32.GetLastError() !== WAIT_TIMEOUT) checkBool(0, kernel32, 'GetQueuedCompletionStatusEx');
      return 0;
    },
    onReady,
    onFailure,
  });
}
