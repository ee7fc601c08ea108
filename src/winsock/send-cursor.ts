/** Where the next bytes to be sent are: the queue is read ahead of what the kernel has taken. */
import type { Connection } from './connection.ts';
import type { WriteRequest } from './requests.ts';

/** A place in a connection's queue, moving ahead of what is sent. One is enough: gathering is synchronous. */
class SendCursor {
  request: WriteRequest | null = null;
  chunk: Uint8Array = new Uint8Array(0);
  offset = 0;
  #listIndex = 0;
  #left = 0;

  begin(connection: Connection): void {
    this.#enter(connection.firstWrite);
  }

  /** Bytes of the current buffer that can be sent; 0 when the request has bytes left and no buffer holds them. */
  available(): number {
    while (this.chunk.length - this.offset <= 0) {
      const next = this.request?.list?.[this.#listIndex + 1];
      if (next === undefined) return 0;
      this.#listIndex++;
      this.chunk = next;
      this.offset = 0;
    }
    return Math.min(this.chunk.length - this.offset, this.#left);
  }

  move(bytes: number): void {
    this.offset += bytes;
    this.#left -= bytes;
    if (this.#left === 0) this.#enter(this.request?.next ?? null);
  }

  /** Lets go of the user's buffers. */
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
    this.offset = request.offset;
    this.#listIndex = request.listIndex;
    this.#left = request.total - request.sent;
  }
}

const NO_BYTES = new Uint8Array(0);
/** For whoever gathers bytes: begin(), and end() before anybody else does. */
export const sendCursor = new SendCursor();
