/** Where the event loop's events come from: a completion port, or a set of polled sockets. */

/**
 * A source of events. One waiter at a time: between wait() and the call of `onReady` (which the source was made with) the
 * source is its waiter's; the rest of the time it is the event loop's.
 */
export interface EventSource {
  /** Events that one poll() collects at most; fewer mean that there are no more for now. */
  readonly batchSize: number;
  /**
   * Collects what is there, without waiting. Returns the number of events for dispatch(). A failure of the system is reported to
   * BackendParts.onFailure.
   */
  poll(): number;
  /** Collects what the waiter found. Returns the number of events for dispatch(). */
  take(): number;
  /** Handles one collected event, 0 … count-1. */
  dispatch(index: number): void;
  /** The waiter has the source. */
  readonly waiting: boolean;
  /** The waiter waits on this very thread. */
  readonly waitsHere: boolean;
  /** Gives the source to the waiter, until something happens. */
  wait(): void;
  /** The completion port through which other threads can wake the loop, or null where there is none. */
  readonly wakePort: number | null;
  /** Adds the system calls that the waiter has made to the counters. */
  countWaits(): void;
  /** Keeps the process alive while waiting. */
  ref(): void;
  unref(): void;
  /** Takes the source back from the waiter for good, and gives everything back to the system. */
  close(): Promise<void>;
}
