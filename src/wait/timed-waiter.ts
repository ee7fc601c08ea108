/**
 * In the place of a waiter whose wait has failed for good: it waits for nothing, and wakes the loop again and again until the
 * loop has ended. By then everything is being closed, which takes milliseconds.
 */
import type { PortWaiter, Scheduler } from '../platform/platform.ts';

/** Milliseconds between two turns. */
const TURN_MS = 1;

export class TimedWaiter implements PortWaiter {
  readonly #scheduler: Scheduler;
  readonly #onReady: () => void;
  #armed = false;
  #planned = false;
  #referenced = true;
  #stopped = false;

  constructor(scheduler: Scheduler, onReady: () => void) {
    this.#scheduler = scheduler;
    this.#onReady = onReady;
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    this.#armed = true;
    if (this.#planned) return;
    this.#planned = true;
    this.#scheduler.setTimer(TURN_MS, this.#wake, this.#referenced);
  }

  /** What has ended is found without it. */
  take(): number {
    return 0;
  }

  takeWaits(): number {
    return 0;
  }

  /** From the next time it is armed on. */
  ref(): void {
    this.#referenced = true;
  }

  unref(): void {
    this.#referenced = false;
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return Promise.resolve();
  }

  readonly #wake = (): void => {
    this.#planned = false;
    this.#armed = false;
    if (!this.#stopped) this.#onReady();
  };
}
