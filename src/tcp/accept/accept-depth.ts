/**
 * How many accepts a server keeps posted: enough for twice the connections that came in its busiest recent turn.
 *
 * Each accept takes one connection per look at the port. A server whose sockets keep it busy looks rarely, so with few
 * accepts posted it takes few connections, however many wait: 1000 echoing connections left a pool of 32 with 64 to 96
 * accepts a second under Wine, where one of 256 had 900. A server without arrivals needs few: each costs a socket, a slot and a
 * block, about 640 bytes of pinned memory.
 *
 * It doubles as soon as one turn of the event loop has taken half of the pool, and halves after RELAX_AFTER_MS in which no turn
 * has taken an eighth of it. The gap between the two keeps it from going to and fro.
 */

/** Milliseconds after which a pool that was too deep all the time is halved: long against the pauses between bursts. */
export const RELAX_AFTER_MS = 10_000;
/** A turn that takes one in so many places makes the pool grow. */
const GROW_AT = 2;
/** While no turn takes one in so many, the pool shrinks. */
const SHRINK_BELOW = 8;

export class AcceptDepth {
  readonly min: number;
  readonly max: number;
  #current: number;
  #turn = -1;
  #taken = 0;
  #peak = 0;

  /** @param min accepts at least. @param max accepts at most; the same as `min` for a depth that never changes. */
  constructor(min: number, max: number) {
    this.min = min;
    this.max = max;
    this.#current = min;
  }

  /** Accepts to keep posted, together with the connections that nobody has taken yet. */
  get current(): number {
    return this.#current;
  }

  /** It is deeper than a server without arrivals needs: relax() is to be called every RELAX_AFTER_MS. */
  get isGrown(): boolean {
    return this.#current > this.min;
  }

  /** A connection left its place in the pool. @param turn number of the event loop's turn */
  taken(turn: number): void {
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#taken = 0;
    }
    this.#taken++;
    if (this.#taken > this.#peak) this.#peak = this.#taken;
    if (this.#taken * GROW_AT >= this.#current) this.#current = Math.min(this.#current * 2, this.max);
  }

  /** RELAX_AFTER_MS are over: shrinks when the depth was not needed meanwhile. */
  relax(): void {
    if (this.#peak * SHRINK_BELOW < this.#current) {
      this.#current = Math.max(this.min, Math.floor(this.#current / 2));
    }
    this.#peak = 0;
  }
}
