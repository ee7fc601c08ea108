/** The program of the thread that waits for the event of shared accepts (event-waiter.ts), in slices like port-program.ts. */
import type { CFunction } from '../../ffi/thread-koffi.ts';
import type { WaitOnce } from './wait-permit.ts';
import { waiterProgram, type MakeWait, type WaiterData } from './waiter-program.ts';

export interface EventWaiterData extends WaiterData {
  WaitForSingleObject: CFunction;
  GetLastError: CFunction;
  event: number;
  /** Milliseconds of one wait. */
  sliceMs: number;
  /** WAIT_OBJECT_0. */
  signaledCode: number;
  /** WAIT_TIMEOUT. */
  timeoutCode: number;
}

/** Needs nothing but its parameters: see waiter-program.ts. */
const waitForEvent: MakeWait<EventWaiterData> = (data, koffi, bind): WaitOnce => {
  const wait = bind(koffi, data.WaitForSingleObject);
  const getLastError = bind(koffi, data.GetLastError);
  return () => {
    const result = wait(data.event, data.sliceMs);
    if (result === data.signaledCode) return 1;
    if (result === data.timeoutCode) return 0;
    return { syscall: 'WaitForSingleObject', systemErrorCode: getLastError() };
  };
};

export const EVENT_PROGRAM: string = waiterProgram(waitForEvent);
