/**
 * The program of the waiter thread: waits in GetQueuedCompletionStatusEx when it is permitted to, and wakes the loop. Nothing else: it
 * never looks at an operation, and it makes plain synchronous calls only (koffi's callbacks and asynchronous calls are not
 * safe in a thread that may be terminated).
 */
import type { CFunction } from '../../ffi/thread-koffi.ts';
import type { WaitOnce } from './wait-permit.ts';
import { waiterProgram, type MakeWait, type WaiterData } from './waiter-program.ts';

export interface PortWaiterData extends WaiterData {
  GetQueuedCompletionStatusEx: CFunction;
  GetLastError: CFunction;
  port: number;
  entriesAddress: number;
  capacity: number;
  countAddress: number;
  /** Milliseconds of one wait. */
  sliceMs: number;
  /** WAIT_TIMEOUT. */
  timeoutCode: number;
}

/** Needs nothing but its parameters: see waiter-program.ts. */
const waitForPackets: MakeWait<PortWaiterData> = (data, koffi, bind): WaitOnce => {
  const { port, entriesAddress, capacity, countAddress, sliceMs } = data;
  const getPackets = bind(koffi, data.GetQueuedCompletionStatusEx);
  const getLastError = bind(koffi, data.GetLastError);
  const count = new Uint32Array(koffi.view(countAddress, Uint32Array.BYTES_PER_ELEMENT));
  return () => {
    const ok = getPackets(port, entriesAddress, capacity, countAddress, sliceMs, 0);
    // The count means nothing unless the call returned TRUE.
    if (ok !== 0) return count[0] ?? 0;
    const systemErrorCode = getLastError();
    return systemErrorCode === data.timeoutCode ? 0 : { syscall: 'GetQueuedCompletionStatusEx', systemErrorCode };
  };
};

export const PORT_PROGRAM: string = waiterProgram(waitForPackets);
