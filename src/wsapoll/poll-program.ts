/**
 * The program of the WSAPoll backend's waiter thread: waits in WSAPoll when it is permitted to, and wakes the loop. The array belongs
 * to this thread meanwhile; whoever wants to change it interrupts the wait first (poll-set.ts).
 */
import type { CFunction } from '../../ffi/thread-koffi.ts';
import type { WaitOnce } from '../wait/wait-permit.ts';
import { waiterProgram, type MakeWait, type WaiterData } from '../wait/waiter-program.ts';
import type { PollWords } from './poll-waiter.ts';

export interface PollWaiterData extends WaiterData {
  WSAPoll: CFunction;
  WSAGetLastError: CFunction;
  words: PollWords;
  /** Milliseconds of one wait that has no limit of its own. */
  sliceMs: number;
  /** WSAENOTSOCK. */
  notSocketCode: number;
}

/** Needs nothing but its parameters: see waiter-program.ts. */
const waitForSockets: MakeWait<PollWaiterData> = (data, koffi, bind): WaitOnce => {
  const { control, words, sliceMs } = data;
  const poll = bind(koffi, data.WSAPoll);
  const getLastError = bind(koffi, data.WSAGetLastError);
  return () => {
    const low = Atomics.load(control, words.addressLow) >>> 0;
    const address = Atomics.load(control, words.addressHigh) * 2 ** 32 + low;
    const limitMs = Atomics.load(control, words.limit);
    const found = poll(address, Atomics.load(control, words.fds), limitMs > 0 ? limitMs : sliceMs);
    if (found < 0) {
      const systemErrorCode = getLastError();
      // A socket of the array was closed while it was ours: the owner takes it out before the next wait.
      return systemErrorCode === data.notSocketCode ? 1 : { syscall: 'WSAPoll', systemErrorCode };
    }
    // A limited wait that found nothing returns too: somebody wants to look at something by then.
    return found > 0 || limitMs === 0 ? found : 1;
  };
};

export const POLL_PROGRAM: string = waiterProgram(waitForSockets);
