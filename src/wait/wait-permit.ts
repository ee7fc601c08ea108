/**
 * The control block that the event loop and its waiter thread share: 32-bit words in a SharedArrayBuffer.
 *
 *   event loop                                     waiter thread
 *   ----------                                     -------------
 *   idle: PERMIT = GRANTED, notify     ──────►     waits for PERMIT ≠ WITHHELD
 *   (touches neither source nor results)           waits for events
 *                                                  COUNT = n, PERMIT = WITHHELD
 *   woken: reads COUNT and results     ◄──────     postMessage: the wake-up
 *   looks by itself until nothing is left
 *
 * The permit keeps one waiter at a time on the source, and one wake-up per change from idle to busy instead of one per batch.
 */

/** Index of the permit's word: WITHHELD, GRANTED or STOP. */
const PERMIT = 0;
/** Index of the count of events that the waiter found. */
const COUNT = 1;
/** Index of the count of waits that the waiter has begun. */
const WAITS = 2;
/** Index of the word that says how far the thread is with koffi: NOT_BEGUN, UNDER_WAY or OVER. */
const STARTUP = 3;
/** Index of the first word that is the backend's own. */
export const FIRST_FREE_WORD = 4;
/** Words in the control block. */
export const CONTROL_WORDS = 8;

/** The waiter may not touch the source. */
const WITHHELD = 0;
/** The waiter may wait, once. */
const GRANTED = 1;
/** The waiter must end. */
const STOP = 2;

/** The thread has not come to koffi, and must not begin once this is changed. */
const NOT_BEGUN = 0;
/** The thread loads koffi and binds functions: terminated in there, koffi would end the process. */
const UNDER_WAY = 1;
/** The thread is out of koffi, or must not begin. */
const OVER = 2;
/** Milliseconds that the end of the process waits for that: it takes a few, and a few hundred on a busy machine. */
const STARTUP_MS = 5000;

/** Milliseconds of one slice of a wait: one wake-up a second on an idle server, and an end within a second. */
export const WAIT_SLICE_MS = 1000;

/** What the waiter posts when it can wait, before anything else. */
export const READY = 'ready';

/** The same for the waiter, whose program is text and has no names but its parameters' (waiter-program.ts). */
export const PERMIT_PROTOCOL = {
  PERMIT,
  COUNT,
  WAITS,
  STARTUP,
  WITHHELD,
  GRANTED,
  STOP,
  NOT_BEGUN,
  UNDER_WAY,
  OVER,
  READY,
} as const;
export type PermitProtocol = typeof PERMIT_PROTOCOL;

/** What the waiter posts then: null is the wake-up, anything else the failure of a wait. */
export type WaiterMessage = typeof READY | null | { syscall: string; systemErrorCode: number };

/** One wait of a waiter thread: the number of events, 0 for none yet, or what failed. */
export type WaitOnce = () => number | { syscall: string; systemErrorCode: number };

/** Permits the waiter one wait; one that must end gets no permit. For the event loop. */
export function grantPermit(control: Int32Array): void {
  // Not a plain store: a wake-up that was on its way when the stop began may be answered after it.
  Atomics.compareExchange(control, PERMIT, WITHHELD, GRANTED);
  Atomics.notify(control, PERMIT);
}

/** Tells the waiter to end, as soon as its wait returns. For the event loop. */
export function stopPermits(control: Int32Array): void {
  Atomics.store(control, PERMIT, STOP);
  Atomics.notify(control, PERMIT);
}

/**
 * The process ends, and Node.js terminates its threads: returns when the thread is not inside koffi and will not be. koffi throws there
 * where a call into JavaScript is refused, which in a thread that is being terminated is a fatal error of the process.
 */
export function endStartup(control: Int32Array): void {
  if (Atomics.compareExchange(control, STARTUP, NOT_BEGUN, OVER) !== UNDER_WAY) return;
  Atomics.wait(control, STARTUP, UNDER_WAY, STARTUP_MS);
}

/** Takes the count of events that the waiter found. For the event loop. */
export function takeCount(control: Int32Array): number {
  return Atomics.exchange(control, COUNT, 0);
}

/** Takes the count of system calls that the waiter has made to wait. For the event loop. */
export function takeWaits(control: Int32Array): number {
  return Atomics.exchange(control, WAITS, 0) >>> 0;
}

/**
 * The waiter thread's whole life. A wait that found nothing (its slice of time is over) is repeated, unless the permit says
 * STOP. Needs nothing but its parameters: see waiter-program.ts.
 */
export function waitUntilStopped(
  control: Int32Array,
  protocol: PermitProtocol,
  waitOnce: WaitOnce,
  post: (message: WaiterMessage) => void,
): void {
  post(protocol.READY);
  for (;;) {
    Atomics.wait(control, protocol.PERMIT, protocol.WITHHELD);
    if (Atomics.load(control, protocol.PERMIT) === protocol.STOP) return;
    Atomics.add(control, protocol.WAITS, 1);
    const found = waitOnce();
    if (typeof found !== 'number') {
      post(found);
      return;
    }
    if (found === 0) continue;
    Atomics.store(control, protocol.COUNT, found);
    // Not a plain store: a STOP that came meanwhile must stay.
    Atomics.compareExchange(control, protocol.PERMIT, protocol.GRANTED, protocol.WITHHELD);
    post(null);
  }
}
