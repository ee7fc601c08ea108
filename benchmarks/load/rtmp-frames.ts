/**
 * Finds the frames in what a relay sends, without keeping any of it: the numbers of those that have come to their end. It knows
 * the two sorts of chunks that relays send, whole heads and those that go on.
 */
const HANDSHAKE_BYTES = 1 + 2 * 1536;
const HEAD_BYTES = 12;
const FIRST_CHUNK_BYTES = 128;
const SET_CHUNK_SIZE = 1;
const VIDEO = 9;
/** Of a payload: a frame has its number in the last four. */
const SEEN_BYTES = 9;

export class RtmpFrames {
  readonly #onFrame: (number: number) => void;
  #skip = HANDSHAKE_BYTES;
  #chunkBytes = FIRST_CHUNK_BYTES;
  /** A head, and behind it the first bytes of the payload. */
  readonly #seen = Buffer.alloc(HEAD_BYTES + SEEN_BYTES);
  #seenBytes = 0;
  /** Of the message: what has not come, and of its chunk. */
  #missing = 0;
  #missingOfChunk = 0;

  /** @param onFrame told the number of a frame when its last byte has come */
  constructor(onFrame: (number: number) => void) {
    this.#onFrame = onFrame;
  }

  /** @param bytes what has come */
  take(bytes: Uint8Array, length: number): void {
    let at = 0;
    while (at < length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#seenBytes < HEAD_BYTES) {
        this.#seen[this.#seenBytes++] = bytes[at++] ?? 0;
        if (this.#seenBytes === HEAD_BYTES) this.#begin();
      } else if (this.#missingOfChunk === 0) {
        if ((bytes[at++] ?? 0) >> 6 !== 3) throw new Error('A chunk does not go on with its message');
        this.#missingOfChunk = Math.min(this.#missing, this.#chunkBytes);
      } else at += this.#payload(bytes, at, Math.min(this.#missingOfChunk, length - at));
    }
  }

  #begin(): void {
    if ((this.#seen[0] ?? 0) >> 6 !== 0) throw new Error('A message does not begin with a whole head');
    this.#missing = this.#seen.readUIntBE(4, 3);
    this.#missingOfChunk = Math.min(this.#missing, this.#chunkBytes);
    if (this.#missing === 0) this.#seenBytes = 0;
  }

  #payload(bytes: Uint8Array, at: number, count: number): number {
    for (let index = 0; index < count && this.#seenBytes < this.#seen.length; index++)
      this.#seen[this.#seenBytes++] = bytes[at + index] ?? 0;
    this.#missingOfChunk -= count;
    this.#missing -= count;
    if (this.#missing > 0) return count;
    const type = this.#seen[7];
    if (type === SET_CHUNK_SIZE) this.#chunkBytes = this.#seen.readUInt32BE(HEAD_BYTES);
    if (type === VIDEO && this.#seen[HEAD_BYTES + 1] === 1) this.#onFrame(this.#seen.readUInt32BE(HEAD_BYTES + 5));
    this.#seenBytes = 0;
    return count;
  }
}
