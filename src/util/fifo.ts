/** A first-in first-out queue in a ring that doubles when full: no allocation per item, no shifting. */

/** Places of a new ring. A power of two, so that wrapping is a mask. */
const INITIAL_CAPACITY = 64;

export class Fifo<Item> {
  #ring: (Item | undefined)[] = new Array<Item | undefined>(INITIAL_CAPACITY).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: Item): void {
    if (this.#length === this.#ring.length) this.#double();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length++;
  }

  /** Takes the oldest item, or undefined when the queue is empty. */
  shift(): Item | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    return item;
  }

  /** The oldest item, which stays, or undefined when the queue is empty. */
  peek(): Item | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head];
  }

  /** The items from the oldest to the newest, which stay. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let index = 0; index < this.#length; index++) {
      const item = this.#ring[(this.#head + index) & (this.#ring.length - 1)];
      if (item !== undefined) yield item;
    }
  }

  #double(): void {
    const old = this.#ring;
    const ring = new Array<Item | undefined>(old.length * 2).fill(undefined);
    for (let index = 0; index < this.#length; index++) ring[index] = old[(this.#head + index) & (old.length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
