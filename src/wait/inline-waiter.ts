/**
 * Waiting on the owner's own thread. In one of two ways:
 *
 * - `blocks`: for a thread whose only work is the network: no hop to another thread and back. The wait blocks the thread, so
 *   it is short and grows while nothing comes. Events end it at once; Node's timers and promises are late by at most
 *   MAX_WAIT_MS, or by one tick of the system's clock where that is longer: 15.6 ms on Windows, unless somebody in the
 *   process has asked for a finer one. Spinning instead would spare them that, and cost a whole processor for it; who needs
 *   timers on time has the worker. Between two waits Node's loop turns once.
 * - otherwise, in the place of a waiter thread that is not there: it looks without waiting and then leaves the thread to
 *   others, for a turn while there has just been something, and for the same times afterwards. So nobody is held up, and
 *   events are late by as much.
 */
import { inOwnContext } from '../platform/async-context.ts';
import type { PortWaiter, WaiterCallbacks } from '../platform/platform.ts';
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from '../platform/node-timers.ts';

/** Milliseconds of the first wait after traffic: long enough not to spin, short enough for timers to be on time. */
const FIRST_WAIT_MS = 1;
/** Milliseconds of the longest wait, so also the most that an otherwise idle timer can be late. */
const MAX_WAIT_MS = 8;
/** Turns after traffic in which a waiter that does not block looks again at once: an answer is often on its way. */
const LOOKS_AT_ONCE = 32;

export interface InlineWaiterParts extends WaiterCallbacks {
  /** Waits up to `ms` milliseconds. Returns the number of events, 0 for none; throws when the wait itself fails. */
  waitOnce: (ms: number) => number;
  /** It may block the thread; otherwise `ms` is 0. */
  blocks: boolean;
}

export class InlineWaiter implements PortWaiter {
  readonly #parts: InlineWaiterParts;
  #armed = false;
  #taken = 0;
  #waits = 0;
  #waitMs = FIRST_WAIT_MS;
  /** Looks that found nothing since something was found. */
  #looks = 0;
  #referenced = true;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

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
    this.#reschedule();
  }

  unref(): void {
    this.#referenced = false;
    this.#reschedule();
  }

  stop(): Promise<void> {
    this.#armed = false;
    this.#unschedule();
    return Promise.resolve();
  }

  #schedule(): void {
    // An immediate that keeps nothing alive does not keep Node's loop from sleeping either: only a timer ends that.
    if (this.#referenced && (this.#parts.blocks || this.#looks < LOOKS_AT_ONCE)) {
      this.#immediate = inOwnContext(setImmediate, this.#wait);
      return;
    }
    this.#timer = inOwnContext(setTimeout, this.#wait, this.#parts.blocks ? FIRST_WAIT_MS : this.#waitMs);
    if (!this.#referenced) this.#timer.unref();
  }

  #unschedule(): void {
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#immediate = undefined;
    this.#timer = undefined;
  }

  #reschedule(): void {
    if (this.#immediate === undefined && this.#timer === undefined) return;
    this.#unschedule();
    this.#schedule();
  }

  readonly #wait = (): void => {
    this.#immediate = undefined;
    this.#timer = undefined;
    if (!this.#armed) return;
    const { waitOnce, blocks, onFailure, onReady } = this.#parts;
    let found: number;
    this.#waits++;
    try {
      found = waitOnce(blocks ? this.#waitMs : 0);
    } catch (error) {
      this.#armed = false;
      onFailure(error as Error);
      return;
    }
    if (found === 0) {
      if (blocks || ++this.#looks > LOOKS_AT_ONCE) this.#waitMs = Math.min(this.#waitMs * 2, MAX_WAIT_MS);
      this.#schedule();
      return;
    }
    this.#looks = 0;
    this.#waitMs = FIRST_WAIT_MS;
    this.#armed = false;
    this.#taken = found;
    onReady();
  };
}
