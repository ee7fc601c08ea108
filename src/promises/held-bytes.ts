/** Bytes that have come and that nobody has taken yet: what a delimiter is looked for in, and what a read that failed gives back. */

/** Bytes of the first buffer. */
const SMALLEST = 4096;
/** A buffer that is empty and larger is given up, so that a connection which was busy once does not keep it. */
const LARGEST_KEPT = 65536;

const NOTHING = Buffer.alloc(0);

export class HeldBytes {
  #buffer = NOTHING;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds a copy of the bytes at the end. */
  append(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Puts a copy of the bytes in front: they had been taken, and come back. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const behind = this.take(this.length);
    this.append(bytes);
    this.append(behind);
  }

  /** Where the delimiter begins, counted from the first byte; -1 where there is none from `from` on. */
  indexOf(delimiter: Uint8Array, from: number): number {
    return this.#buffer.subarray(this.#start, this.#end).indexOf(delimiter, from);
  }

  /** The bytes from one place to another, until the next change. */
  view(from: number, to: number): Buffer {
    return this.#buffer.subarray(this.#start + from, this.#start + to);
  }

  /** A copy of the first bytes, which leave. */
  take(count: number): Buffer {
    const taken = Buffer.from(this.view(0, count));
    this.drop(count);
    return taken;
  }

  /** Moves as many bytes as there are and fit into `target`. Returns the number. */
  moveTo(target: Uint8Array): number {
    const count = Math.min(this.length, target.length);
    if (count === 0) return 0;
    target.set(this.view(0, count));
    this.drop(count);
    return count;
  }

  drop(count: number): void {
    this.#start += count;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    if (this.#buffer.length > LARGEST_KEPT) this.#buffer = NOTHING;
  }

  #makeRoom(count: number): void {
    if (this.#end + count <= this.#buffer.length) return;
    const { length } = this;
    const needed = length + count;
    // Twice as large, so that what comes byte by byte is not copied for every byte.
    const target = needed <= this.#buffer.length >>> 1 ? this.#buffer : Buffer.allocUnsafeSlow(capacityFor(needed));
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    this.#start = 0;
    this.#end = length;
  }
}

function capacityFor(needed: number): number {
  let capacity = SMALLEST;
  while (capacity < needed) capacity *= 2;
  return capacity;
}
