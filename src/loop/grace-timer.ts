/**
 * Deadlines that all lie the same time ahead: then the order in which they are set is the order in which they come, and
 * one timer for the first of them is enough.
 */
import { Fifo } from '../util/fifo.ts';
import type { Scheduler, TimerHandle } from '../platform/platform.ts';

/** Items whose time is over that one look tells: what is beyond has the next one, a millisecond later. */
const ITEMS_PER_LOOK = 1024;

interface Deadline<Item> {
  readonly item: Item;
  readonly at: number;
}

export class GraceTimer<Item> {
  readonly #scheduler: Scheduler;
  readonly #ms: number;
  readonly #expired: (item: Item) => void;
  readonly #deadlines = new Fifo<Deadline<Item>>();
  #next: Deadline<Item> | undefined;
  #timer: TimerHandle | null = null;

  /** @param expired called once for every item whose time is over; it may be stale by then, so look before acting. */
  constructor(scheduler: Scheduler, ms: number, expired: (item: Item) => void) {
    this.#scheduler = scheduler;
    this.#ms = ms;
    this.#expired = expired;
  }

  add(item: Item): void {
    this.#deadlines.push({ item, at: this.#scheduler.now() + this.#ms });
    if (this.#timer === null) this.#arm();
  }

  dispose(): void {
    if (this.#timer !== null) this.#scheduler.clearTimer(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    this.#next ??= this.#deadlines.shift();
    if (this.#next === undefined) return;
    const wait = Math.max(1, Math.ceil(this.#next.at - this.#scheduler.now()));
    this.#timer = this.#scheduler.setTimer(wait, this.#fire);
  }

  readonly #fire = (): void => {
    this.#timer = null;
    const now = this.#scheduler.now();
    this.#next ??= this.#deadlines.shift();
    for (let left = ITEMS_PER_LOOK; left > 0 && this.#next !== undefined && this.#next.at <= now; left--) {
      const { item } = this.#next;
      this.#next = this.#deadlines.shift();
      this.#expired(item);
    }
    this.#arm();
  };
}
