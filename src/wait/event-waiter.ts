/** Waiting for an event in a worker_thread. */
import { checkBool } from '../../ffi/check.ts';
import { WAIT_OBJECT_0 } from '../../ffi/constants.ts';
import { kernel32Function, type Kernel32 } from '../../ffi/kernel32.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import type { EventWaiterParts, PortWaiter } from '../platform/platform.ts';
import type { WaiterData } from './waiter-program.ts';
import { WAIT_SLICE_MS } from './wait-permit.ts';
import { createWorkerWaiter } from './worker-waiter.ts';
import { EVENT_PROGRAM, type EventWaiterData } from './event-program.ts';

export function createEventWaiter(kernel32: Kernel32, { event, onReady, onFailure }: EventWaiterParts): PortWaiter {
  return createWorkerWaiter({
    program: EVENT_PROGRAM,
    data: {
      WaitForSingleObject: kernel32Function('WaitForSingleObject'),
      GetLastError: kernel32Function('GetLastError'),
      event,
      sliceMs: WAIT_SLICE_MS,
      signaledCode: WAIT_OBJECT_0,
      timeoutCode: WAIT_TIMEOUT,
    } satisfies Omit<EventWaiterData, keyof WaiterData>,
    interrupt: () => kernel32.SetEvent(event),
    pollOnce: () => {
      const result = kernel32.WaitForSingleObject(event, 0);
      if (result === WAIT_OBJECT_0) return 1;
      if (result !== WAIT_TIMEOUT) checkBool(0, kernel32, 'WaitForSingleObject');
      return 0;
    },
    // It may have taken a signal with it: an auto-reset event signals once. A look too many does no harm.
    recover: () => 1,
    onReady,
    onFailure,
  });
}
