/** How long a call may take: one deadline for what is made of several calls, and a bound for what knows no options of its own. */
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import type { Scheduler, TimerHandle } from '../../platform/platform.ts';
import { requireInteger } from '../../util/validate.ts';

/** As the PAL's calls take it: milliseconds. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export class Deadline {
  readonly #options: OperationOptions;
  readonly #scheduler: Scheduler;
  readonly #at: number;

  constructor(scheduler: Scheduler, options: OperationOptions) {
    const { timeout } = options;
    requireTimeout(timeout);
    this.#options = options;
    this.#scheduler = scheduler;
    this.#at = timeout === undefined ? Infinity : scheduler.now() + timeout;
  }

  /**
   * Options for the next step.
   * @throws NetworkError Timeout when the time is over: a peer that sends without a pause would keep every step from seeing it.
   */
  next(): OperationOptions {
    if (this.#at === Infinity) return this.#options;
    const left = this.#at - this.#scheduler.now();
    if (left <= 0) throw timedOut(this.#options.timeout);
    return { signal: this.#options.signal, timeout: Math.ceil(left) };
  }
}

/**
 * Calls `fail` with the error when the time of a call is over or its signal aborted.
 * @returns to be called when the call is over
 */
export function bounded(
  scheduler: Scheduler,
  { signal, timeout }: OperationOptions,
  fail: (error: NetworkError) => void,
): () => void {
  requireTimeout(timeout);
  let timer: TimerHandle | null = null;
  const over = (): void => {
    if (timer !== null) scheduler.clearTimer(timer);
    signal?.removeEventListener('abort', onAbort);
  };
  const takeBack = (error: NetworkError): void => {
    over();
    fail(error);
  };
  const onAbort = (): void => {
    if (signal !== undefined) takeBack(aborted(signal));
  };
  if (timeout !== undefined) timer = scheduler.setTimer(timeout, () => takeBack(timedOut(timeout)));
  signal?.addEventListener('abort', onAbort, { once: true });
  return over;
}

function requireTimeout(timeout: number | undefined): void {
  if (timeout !== undefined) requireInteger('timeout', timeout, 1, MAX_TIMEOUT_MS);
}

/** What a call gets whose time is over. */
export function timedOut(timeout: number | undefined): NetworkError {
  return new NetworkError(`The call ETIMEDOUT: not done within its timeout of ${timeout} ms`, {
    kind: NetworkErrorCode.Timeout,
    code: 'ETIMEDOUT',
  });
}

/** What a call gets whose signal is aborted. */
export function aborted(signal: AbortSignal): NetworkError {
  return new NetworkError('The call was aborted by its signal', {
    kind: NetworkErrorCode.Interrupted,
    code: 'ABORT_ERR',
    cause: signal.reason ?? undefined,
  });
}
