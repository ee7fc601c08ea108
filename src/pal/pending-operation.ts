/** What all asynchronous calls have in common: a name to cancel them by, a deadline, a signal. */

declare const operationBrand: unique symbol;

/**
 * Names one asynchronous call of one PAL until its callback. A negative integer (a socket handle is positive), so that it
 * costs no memory; a number comes back after 2^27 - 1 other calls. 0 is no call: one that was over before it began.
 */
export type OperationHandle = number & { readonly [operationBrand]: 'operation' };

/** Options that every asynchronous call takes, before its callback. */
export interface OperationOptions {
  /** Ends the call with Interrupted (code ABORT_ERR, the signal's reason as `cause`) when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds, 1 … 2^31 - 1, after which the call ends with Timeout (code ETIMEDOUT). Never early; late by the
   * resolution of the system's timers, and by however long the thread is busy. Default: none.
   */
  readonly timeout?: number | undefined;
}

/** Options of cancel(). */
export interface CancelOptions {
  /**
   * Take a write back even when some of it has gone out. The stream then ends in the middle of it: later writes fail with
   * EPIPE, and closing sends RST. Default false: such a write runs to its end. See docs/cancellation.md.
   */
  readonly hard?: boolean | undefined;
}
