/** Where the next bytes to be sent are: the queue is read ahead of what the kernel has taken. */
import type { Connection } from './connection/connection.ts';
import type { WriteRequest } from './connection/requests.ts';
import { NO_BYTES } from '../util/bytes.ts';

/** A place in a connection's queue, moving ahead of what is sent. One is enough: gathering is synchronous. */
class SendCursor {
  request: WriteRequest | null = null;
  chunk: Uint8Array = new Uint8Array(0);
  offset = 0;
  /** The order of the last write that move() has taken bytes of; 0 for none. */
  lastOrder = 0;
  #size = 0;
  #listIndex = 0;
  #left = 0;

  begin(connection: Connection): void {
    this.lastOrder = 0;
    this.#enter(connection.write.queue.first);
  }

  /** Bytes of the current buffer that can be sent; 0 when it has lost some of its bytes since it was queued. */
  available(): number {
    if (this.#size <= this.offset) this.#nextBuffer();
    const size = this.#size;
    return this.chunk.byteLength < size ? 0 : size - this.offset;
  }

  /** Goes on to the next buffer that has any bytes, if there is one. */
  #nextBuffer(): void {
    while (this.#size <= this.offset) {
      const next = this.request?.list?.[this.#listIndex + 1];
      if (next === undefined) return;
      this.#listIndex++;
      this.chunk = next;
      this.#size = this.request?.sizes?.[this.#listIndex] ?? 0;
      this.offset = 0;
    }
  }

  move(bytes: number): void {
    const { request } = this;
    if (request === null) return;
    this.lastOrder = request.order;
    this.offset += bytes;
    this.#left -= bytes;
    if (this.#left === 0) this.#enter(request.next);
  }

  /** Forgets the user's buffers. */
  end(): void {
    this.#enter(null);
  }

  #enter(request: WriteRequest | null): void {
    this.request = request;
    if (request === null) {
      this.chunk = NO_BYTES;
      return;
    }
    this.chunk = request.chunk;
    this.#size = request.size;
    this.offset = request.offset;
    this.#listIndex = request.listIndex;
    this.#left = request.total - request.sent;
  }
}

/** For whoever gathers bytes: begin(), and end() before anybody else does. */
export const sendCursor = new SendCursor();
