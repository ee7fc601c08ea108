/** Waiting on a set of polled sockets: in a worker_thread, or inline. */
import { Win32Error } from '../../ffi/check.ts';
import { SOCKET_ERROR } from '../../ffi/constants.ts';
import { ws2_32Function } from '../../ffi/ws2_32.ts';
import { WSAENOTSOCK } from '../../ffi/wsa-errors.ts';
import type { Platform, PortWaiter, WaiterCallbacks, WaiterKind } from '../platform/platform.ts';
import { now } from '../platform/node-timers.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import { InlineWaiter } from '../wait/inline-waiter.ts';
import type { WaiterData } from '../wait/waiter-program.ts';
import { FIRST_FREE_WORD, WAIT_SLICE_MS } from '../wait/wait-permit.ts';
import { POLL_PROGRAM, type PollWaiterData } from './poll-program.ts';

/** The words of the control block that are the WSAPoll backend's own: where the array is, and how long to wait. */
export interface PollWords {
  /** Address of the WSAPOLLFD array, in two halves. */
  readonly addressLow: number;
  readonly addressHigh: number;
  /** Entries of the array that count. */
  readonly fds: number;
  /** Milliseconds to wait at most; 0 for as long as it takes. */
  readonly limit: number;
}

export const POLL_WORDS: PollWords = {
  addressLow: FIRST_FREE_WORD,
  addressHigh: FIRST_FREE_WORD + 1,
  fds: FIRST_FREE_WORD + 2,
  limit: FIRST_FREE_WORD + 3,
};

/** What a waiter on a set of polled sockets is made from. */
export interface PollWaiterParts extends WaiterCallbacks {
  /** The array and how many of its entries count; asked each time the waiter begins to wait. */
  array: () => { address: number; count: number };
  /** Makes a WSAPoll that is under way return. */
  interrupt: () => void;
  /** Waits at most this long at a time, milliseconds; 0 for as long as it takes. Asked each time. */
  limitMs: () => number;
}

/** Throws NetworkError on a platform that has completion ports only, as the simulated one. */
export function createPollWaiter(platform: Platform, kind: WaiterKind, parts: PollWaiterParts): PortWaiter {
  const { ws2_32 } = platform;
  const { array, limitMs, interrupt, onReady, onFailure } = parts;
  let lookAt = 0;
  const waitOnce = (ms: number): number => {
    const { address, count } = array();
    const found = ws2_32.WSAPoll(address, count, ms);
    if (found === SOCKET_ERROR) {
      const code = ws2_32.WSAGetLastError();
      // A socket of the array was closed while it was the waiter's: the owner takes it out before the next wait.
      if (code === WSAENOTSOCK) return 1;
      throw new Win32Error('WSAPoll', code);
    }
    if (found > 0 || limitMs() === 0) return found;
    // Nothing, and somebody wants to look at something nevertheless, as often as the limit says.
    const time = now();
    if (time < lookAt) return 0;
    lookAt = time + limitMs();
    return 1;
  };
  if (platform.createWorkerWaiter === undefined) {
    throw new NetworkError('Cannot use the WSAPoll backend on this platform: it can wait on completion ports only', {
      kind: NetworkErrorCode.InitializationFailed,
      code: 'ERR_UNSUPPORTED_BACKEND',
    });
  }
  if (kind === 'worker') {
    return platform.createWorkerWaiter({
      program: POLL_PROGRAM,
      data: {
        WSAPoll: ws2_32Function('WSAPoll'),
        WSAGetLastError: ws2_32Function('WSAGetLastError'),
        words: POLL_WORDS,
        sliceMs: WAIT_SLICE_MS,
        notSocketCode: WSAENOTSOCK,
      } satisfies Omit<PollWaiterData, keyof WaiterData>,
      prepare: (control) => {
        const { address, count } = array();
        control[POLL_WORDS.addressLow] = address; // modulo 2^32
        control[POLL_WORDS.addressHigh] = address / 2 ** 32;
        control[POLL_WORDS.fds] = count;
        control[POLL_WORDS.limit] = limitMs();
      },
      interrupt,
      pollOnce: () => waitOnce(0),
      // What the array says is said again by the next call: readiness is a state.
      recover: () => 0,
      onReady,
      onFailure,
    });
  }
  return new InlineWaiter({ waitOnce, blocks: true, onReady, onFailure });
}
