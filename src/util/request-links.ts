/**
 * The links between the requests of a queue. Each has its next and its previous one, so that a request leaves from
 * anywhere in O(1): thousands may wait in one queue, and each has its own deadline.
 *
 * `previous` means nothing for the first one. Whoever takes that off the queue need not look at the links of the others.
 */

/** A request in a queue. */
export interface Linked<Request> {
  next: Request | null;
  previous: Request | null;
}

/** Takes a request that is not its queue's first out of it. Returns the one before it: the last one now, if that was. */
export function unlinkLater<Request extends Linked<Request>>(request: Request): Request {
  const { previous, next } = request;
  if (previous === null) throw new Error('A request has lost its queue. This is a bug in iocp-pal; please report it');
  previous.next = next;
  if (next !== null) next.previous = previous;
  return previous;
}
