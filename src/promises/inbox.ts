/**
 * Whose something is that arrives: that of the first call which waits for one like it, or nobody's yet. The socket is asked while
 * anybody waits, and once at a time; what comes together with what is waited for is held.
 */
import type { OperationOptions } from '../pal/pending-operation.ts';
import type { Scheduler } from '../platform/platform.ts';
import { bounded } from './sockets/deadline.ts';

/** Where it comes from: a socket. */
export interface Source<Item> {
  /** Asks for the next one; `arrived` is called once, with as many as have come together. */
  next(arrived: (error: Error | null, items: readonly Item[]) => void): void;
  /** Takes that back: something may come nevertheless. */
  stop(): void;
}

/** A call that waits. */
interface Waiter<Item> {
  /** What it waits for: null is anything that nobody else asks for. */
  readonly match: ((item: Item) => boolean) | null;
  readonly resolve: (item: Item) => void;
  readonly reject: (error: Error) => void;
  /** Takes its timer and its listener back. */
  over: () => void;
}

export class Inbox<Item> {
  readonly #source: Source<Item>;
  readonly #scheduler: Scheduler;
  readonly #hasRoom: (held: readonly Item[], item: Item) => boolean;
  readonly #waiters: Waiter<Item>[] = [];
  readonly #held: Item[] = [];
  #isAsking = false;
  #isStopping = false;
  #isClosed = false;

  /** @param hasRoom whether something that nobody waits for is kept beside what is held already */
  constructor(
    source: Source<Item>,
    scheduler: Scheduler,
    hasRoom: (held: readonly Item[], item: Item) => boolean = () => true,
  ) {
    this.#source = source;
    this.#scheduler = scheduler;
    this.#hasRoom = hasRoom;
  }

  /** The next one that matches. @param match null: the next one that nobody else asks for */
  async next(match: Waiter<Item>['match'], options: OperationOptions): Promise<Item> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<Item> = { match, resolve, reject, over: () => undefined };
      waiter.over = bounded(this.#scheduler, options, (error) => this.#fail(waiter, error));
      const held = match === null ? this.#held.shift() : undefined;
      if (held === undefined) {
        this.#waiters.push(waiter);
        this.#ask();
      } else {
        waiter.over();
        resolve(held);
      }
    });
  }

  /** Rejects the call that waits for this. */
  giveUp(match: Waiter<Item>['match'], error: Error): void {
    const waiter = this.#waiters.find((other) => other.match === match);
    if (waiter !== undefined) this.#fail(waiter, error);
  }

  /** Rejects every call with an error of its own. Returns what nobody has taken. */
  close(error: () => Error): Item[] {
    this.#isClosed = true;
    for (const waiter of [...this.#waiters]) this.#fail(waiter, error());
    return this.#held.splice(0);
  }

  #fail(waiter: Waiter<Item>, error: Error): void {
    if (!this.#leave(waiter)) return;
    waiter.reject(error);
    // Nobody is left: what is in the system's queue stays there, and the process may end.
    if (this.#waiters.length > 0 || !this.#isAsking || this.#isClosed) return;
    this.#isStopping = true;
    this.#source.stop();
  }

  #leave(waiter: Waiter<Item>): boolean {
    const place = this.#waiters.indexOf(waiter);
    if (place === -1) return false;
    this.#waiters.splice(place, 1);
    waiter.over();
    return true;
  }

  #ask(): void {
    if (this.#isAsking || this.#waiters.length === 0 || this.#isClosed) return;
    this.#isAsking = true;
    this.#source.next(this.#arrived);
  }

  readonly #arrived = (error: Error | null, items: readonly Item[]): void => {
    const wasStopped = this.#isStopping;
    this.#isAsking = false;
    this.#isStopping = false;
    const [first] = this.#waiters;
    for (const item of items) this.#deliver(item);
    if (error !== null && first !== undefined && !wasStopped) this.#fail(first, error);
    this.#ask(); // for whoever still waits, or has come since
  };

  #deliver(item: Item): void {
    const asked = this.#waiters.find(({ match }) => match?.(item) === true);
    const waiter = asked ?? this.#waiters.find(({ match }) => match === null);
    if (waiter !== undefined) {
      this.#leave(waiter);
      waiter.resolve(item);
    } else if (this.#hasRoom(this.#held, item)) this.#held.push(item);
  }
}
