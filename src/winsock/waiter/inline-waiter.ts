/**
 * Waiting on the owner's own thread, for a thread whose only work is the network: no hop to another thread and back.
 *
 * The wait blocks the thread, so it is short and grows while nothing comes: Node's timers and promises are late by at
 * most MAX_WAIT_MS. Between two waits Node's loop turns once.
 */
import { inOwnContext } from '../async-context.ts';
import type { PortWaiter, WaiterCallbacks } from '../kernel.ts';
import { clearImmediate, setImmediate } from '../node-timers.ts';

/** Milliseconds of the first wait after traffic: long enough not to spin, short enough for timers to be on time. */
const FIRST_WAIT_MS = 1;
/** Milliseconds of the longest wait, so also the most that an otherwise idle timer can be late. */
const MAX_WAIT_MS = 8;

/** What the waiter is made from. */
export interface InlineWaiterParts extends WaiterCallbacks {
  /** Waits up to `ms` milliseconds. Returns the number of events, 0 for none; throws when the wait itself fails. */
  waitOnce: (ms: number) => number;
}

export class InlineWaiter implements PortWaiter {
  readonly #parts: InlineWaiterParts;
  #armed = false;
  #taken = 0;
  #waits = 0;
  #waitMs = FIRST_WAIT_MS;
  #referenced = true;
  #immediate: NodeJS.Immediate | undefined;

  constructor(parts: InlineWaiterParts) {
    this.#parts = parts;
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    this.#armed = true;
    this.#schedule();
  }

  take(): number {
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
  }

  takeWaits(): number {
    const waits = this.#waits;
    this.#waits = 0;
    return waits;
  }

  ref(): void {
    this.#referenced = true;
    this.#immediate?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#immediate?.unref();
  }

  stop(): Promise<void> {
    this.#armed = false;
    if (this.#immediate) clearImmediate(this.#immediate);
    this.#immediate = undefined;
    return Promise.resolve();
  }

  #schedule(): void {
    this.#immediate = inOwnContext(setImmediate, this.#wait);
    if (!this.#referenced) this.#immediate.unref();
  }

  readonly #wait = (): void => {
    this.#immediate = undefined;
    if (!this.#armed) return;
    let found: number;
    this.#waits++;
    try {
      found = this.#parts.waitOnce(this.#waitMs);
    } catch (error) {
      this.#armed = false;
      this.#parts.onFailure(error as Error);
      return;
    }
    if (found === 0) {
      this.#waitMs = Math.min(this.#waitMs * 2, MAX_WAIT_MS);
      this.#schedule();
      return;
    }
    this.#waitMs = FIRST_WAIT_MS;
    this.#armed = false;
    this.#taken = found;
    this.#parts.onReady();
  };
}
