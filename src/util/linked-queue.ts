/**
 * A first-in first-out queue of items that carry their own links: waiting costs no allocation, and an item leaves in O(1)
 * from wherever it is. Thousands of requests may wait in one queue, and each of them can have a deadline of its own.
 *
 * An item is in one such queue at most; outside of it, both of its links are null.
 *
 * V8 compiles a method once for all queues. When its items are of more than four classes, each access to one of their
 * fields becomes a search. So an item that is alone in its queue, as most are, has no more than its `next` looked at.
 */

export interface Linked<Item> {
  previous: Item | null;
  next: Item | null;
}

export class LinkedQueue<Item extends Linked<Item>> {
  #first: Item | null = null;
  #last: Item | null = null;
  #length = 0;

  /** The oldest item, which stays; the others follow by their `next`. */
  get first(): Item | null {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let item = this.#first; item !== null; item = item.next) yield item;
  }

  /** Adds an item that is in no queue. */
  push(item: Item): void {
    const last = this.#last;
    if (last === null) {
      this.#first = item;
    } else {
      last.next = item;
      item.previous = last;
    }
    this.#last = item;
    this.#length++;
  }

  /** Takes the oldest item, or null when the queue is empty. */
  shift(): Item | null {
    const item = this.#first;
    if (item === null) return null;
    const { next } = item;
    this.#first = next;
    if (next === null) {
      this.#last = null;
    } else {
      next.previous = null;
      item.next = null;
    }
    this.#length--;
    return item;
  }

  /** Takes an item of this queue out, wherever it is. */
  remove(item: Item): void {
    const { previous, next } = item;
    if (this.#first === item) {
      this.shift();
      return;
    }
    if (previous === null) throw new Error('A request has lost its queue. This is a bug in iocp-pal; please report it');
    previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    item.previous = null;
    item.next = null;
    this.#length--;
  }
}
