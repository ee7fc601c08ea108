/** Waiting for an event in a worker_thread. */
import { WAIT_OBJECT_0 } from '../../ffi/constants.ts';
import { kernel32Function, type Kernel32 } from '../../ffi/kernel32.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import type { EventWaiterParts, PortWaiter } from '../winsock/kernel.ts';
import type { PollerData } from '../winsock/waiter/poller-program.ts';
import { WAIT_SLICE_MS, WorkerWaiter } from '../winsock/waiter/worker-waiter.ts';
import { EVENT_PROGRAM, type EventPollerData } from './event-program.ts';

export function createEventWaiter(kernel32: Kernel32, { event, onReady, onFailure }: EventWaiterParts): PortWaiter {
  return new WorkerWaiter({
    program: EVENT_PROGRAM,
    data: {
      WaitForSingleObject: kernel32Function('WaitForSingleObject'),
      GetLastError: kernel32Function('GetLastError'),
      event,
      sliceMs: WAIT_SLICE_MS,
      signaledCode: WAIT_OBJECT_0,
      timeoutCode: WAIT_TIMEOUT,
    } satisfies Omit<EventPollerData, keyof PollerData>,
    interrupt: () => kernel32.SetEvent(event),
    onReady,
    onFailure,
  });
}
