/**
 * The control block that the event loop and its poller thread share: three 32-bit words in a SharedArrayBuffer.
 *
 *   event loop                                     poller thread
 *   ----------                                     -------------
 *   idle: GATE = OPEN, notify        ──────►       waits for GATE ≠ CLOSED
 *   (touches neither port nor mailbox)             GetQueuedCompletionStatusEx → mailbox
 *                                                  COUNT = n, GATE = CLOSED
 *   doorbell: reads COUNT and mailbox  ◄──────     postMessage
 *   polls the port itself until it is dry
 *
 * The gate is what keeps one waiter on the port, and one doorbell per idle-to-busy change instead of one per batch.
 */

/** Index of the gate's word: CLOSED, OPEN or STOP. */
export const GATE = 0;
/** Index of the count of packets in the mailbox. */
export const COUNT = 1;
/** Words in the control block. */
export const CONTROL_WORDS = 2;

/** The poller may not touch the port. */
export const CLOSED = 0;
/** The poller may wait on the port, once. */
export const OPEN = 1;
/** The poller must end. */
export const STOP = 2;

/** What the poller thread is started with. Addresses and handles are numbers, valid in the whole process. */
export interface PollerData {
  control: SharedArrayBuffer;
  port: number;
  entriesAddress: number;
  capacity: number;
  countAddress: number;
}

/** What the poller posts: null is the doorbell, a number the error code of a wait that failed. */
export type PollerMessage = number | null;
