/**
 * The control block that the event loop and its waiter thread share: 32-bit words in a SharedArrayBuffer.
 *
 *   event loop                                     waiter thread
 *   ----------                                     -------------
 *   idle: GATE = OPEN, notify        ──────►       waits for GATE ≠ CLOSED
 *   (touches neither source nor results)           waits for events
 *                                                  COUNT = n, GATE = CLOSED
 *   doorbell: reads COUNT and results  ◄──────     postMessage
 *   polls by itself until nothing is left
 *
 * The gate is what keeps one waiter on the source, and one doorbell per idle-to-busy change instead of one per batch.
 */

/** Index of the gate's word: CLOSED, OPEN or STOP. */
const GATE = 0;
/** Index of the count of events that the waiter found. */
const COUNT = 1;
/** Index of the count of waits that the waiter has begun. */
const WAITS = 2;
/** Index of the first word that is the library's own. */
export const FIRST_FREE_WORD = 3;
/** Words in the control block. */
export const CONTROL_WORDS = 8;

/** The waiter may not touch the source. */
const CLOSED = 0;
/** The waiter may wait, once. */
const OPEN = 1;
/** The waiter must end. */
const STOP = 2;

/** What the waiter posts when it can wait, before anything else. */
export const READY = 'ready';

/** The same for the waiter, whose program is text and has no names but its parameters' (waiter-program.ts). */
export const GATE_PROTOCOL = { GATE, COUNT, WAITS, CLOSED, OPEN, STOP, READY } as const;
export type GateProtocol = typeof GATE_PROTOCOL;

/** What the waiter posts then: null is the doorbell, anything else the failure of a wait. */
export type WaiterMessage = typeof READY | null | { syscall: string; systemErrorCode: number };

/** One wait of a waiter thread: the number of events, 0 for none yet, or what failed. */
export type WaitOnce = () => number | { syscall: string; systemErrorCode: number };

/** Lets the waiter in; one that must end stays out. For the event loop. */
export function openGate(control: Int32Array): void {
  // Not a plain store: a doorbell that was on its way when the stop began may be answered behind it.
  Atomics.compareExchange(control, GATE, CLOSED, OPEN);
  Atomics.notify(control, GATE);
}

/** Tells the waiter to end, as soon as its wait returns. For the event loop. */
export function stopGate(control: Int32Array): void {
  Atomics.store(control, GATE, STOP);
  Atomics.notify(control, GATE);
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
 * The waiter thread's whole life. A wait that found nothing (its slice of time is over) goes on, unless the gate says
 * STOP. Needs nothing but its parameters: see waiter-program.ts.
 */
export function pollUntilStopped(
  control: Int32Array,
  gate: GateProtocol,
  waitOnce: WaitOnce,
  post: (message: WaiterMessage) => void,
): void {
  post(gate.READY);
  for (;;) {
    Atomics.wait(control, gate.GATE, gate.CLOSED);
    if (Atomics.load(control, gate.GATE) === gate.STOP) return;
    Atomics.add(control, gate.WAITS, 1);
    const found = waitOnce();
    if (typeof found !== 'number') {
      post(found);
      return;
    }
    if (found === 0) continue;
    Atomics.store(control, gate.COUNT, found);
    // Not a plain store: a STOP that came meanwhile must stay.
    Atomics.compareExchange(control, gate.GATE, gate.OPEN, gate.CLOSED);
    post(null);
  }
}
