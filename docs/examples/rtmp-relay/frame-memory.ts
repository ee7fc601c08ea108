/** Memory for the frames of one stream, one behind the other: those that a player gets together are then one piece for the system. */

/** Where memory comes from: allocateBuffer of iocp-pal/promises, from where a write copies nothing. */
export type Allocate = (bytes: number) => Buffer;

/** Bytes that are taken at once: a second of 4 Mbit/s. They go when the last frame in them has been sent. */
const PIECE_BYTES = 512 * 1024;

export class FrameMemory {
  readonly #allocate: Allocate;
  #piece: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(allocate: Allocate) {
    this.#allocate = allocate;
  }

  take(bytes: number): Buffer {
    if (this.#used + bytes > this.#piece.length) {
      this.#piece = this.#allocate(Math.max(bytes, PIECE_BYTES));
      this.#used = 0;
    }
    this.#used += bytes;
    return this.#piece.subarray(this.#used - bytes, this.#used);
  }
}
