/** The accepts that wait for a connection, in order. Any of them can be taken out in O(1): each may have a deadline. */
import type { AcceptRequest } from '../requests.ts';

export class AcceptQueue {
  #first: AcceptRequest | null = null;
  #last: AcceptRequest | null = null;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  *[Symbol.iterator](): Iterator<AcceptRequest> {
    for (let request = this.#first; request !== null; request = request.next) yield request;
  }

  push(request: AcceptRequest): void {
    request.isWaiting = true;
    request.previous = this.#last;
    if (this.#last === null) this.#first = request;
    else this.#last.next = request;
    this.#last = request;
    this.#length++;
  }

  /** Takes the oldest one, or undefined when none waits. */
  shift(): AcceptRequest | undefined {
    const request = this.#first;
    if (request === null) return undefined;
    this.remove(request);
    return request;
  }

  /** Takes one out, wherever it is; false when it does not wait any more. */
  remove(request: AcceptRequest): boolean {
    if (!request.isWaiting) return false;
    const { previous, next } = request;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    request.previous = null;
    request.next = null;
    request.isWaiting = false;
    this.#length--;
    return true;
  }
}
