/** First-in first-out bytes: what a socket's kernel buffer holds. */
export class ByteQueue {
  #bytes = new Uint8Array(64);
  #head = 0;
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  push(source: Uint8Array, start: number, length: number): void {
    this.#makeRoom(length);
    this.#bytes.set(source.subarray(start, start + length), this.#tail);
    this.#tail += length;
  }

  /** Takes the first `length` bytes out, into `target`. */
  take(target: Uint8Array, start: number, length: number): void {
    target.set(this.#bytes.subarray(this.#head, this.#head + length), start);
    this.#drop(length);
  }

  /** Moves the first `length` bytes to the end of another queue. */
  moveTo(target: ByteQueue, length: number): void {
    target.push(this.#bytes, this.#head, length);
    this.#drop(length);
  }

  clear(): void {
    this.#head = 0;
    this.#tail = 0;
  }

  #drop(length: number): void {
    this.#head += length;
    if (this.#head === this.#tail) this.clear();
  }

  #makeRoom(length: number): void {
    if (this.#tail + length <= this.#bytes.length) return;
    const held = this.#bytes.subarray(this.#head, this.#tail);
    let size = this.#bytes.length;
    while (size < held.length + length) size *= 2;
    const target = size === this.#bytes.length ? this.#bytes : new Uint8Array(size);
    if (target === this.#bytes) target.copyWithin(0, this.#head, this.#tail);
    else target.set(held);
    this.#bytes = target;
    this.#tail -= this.#head;
    this.#head = 0;
  }
}
