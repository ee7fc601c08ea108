/** Waiting for an event in a worker_thread. */
import type { Kernel32 } from '../../ffi/kernel32.ts';
import type { EventWaiterParts, PortWaiter } from '../winsock/kernel.ts';
import { WorkerWaiter, type PollerData } from '../winsock/waiter/worker-waiter.ts';

/** What the waiting thread is started with. */
export interface EventWorkerData extends PollerData {
  event: number;
}

export function createEventWaiter(kernel32: Kernel32, { event, onReady, onFailure }: EventWaiterParts): PortWaiter {
  return new WorkerWaiter({
    module: new URL('./event-worker', import.meta.url),
    data: { event } satisfies Omit<EventWorkerData, 'control'>,
    interrupt: () => kernel32.SetEvent(event),
    onReady,
    onFailure,
  });
}
