/**
 * Two pinned blocks in turn: one is being sent while the other is being filled. Each is taken from the pool when it is first
 * needed, and kept for the next part.
 */
import { classFor, type Block, type BlockPool } from './block-pool.ts';

/** A block with bytes that are to be sent: from start to end. */
export interface Filled {
  readonly block: Block;
  start: number;
  readonly end: number;
}

export class DoubleBuffer {
  readonly #blocks: BlockPool;
  /** What is being sent, what is to follow it, and an empty one. */
  #front: Filled | null = null;
  #back: Filled | null = null;
  #spare: Block | null = null;

  constructor(blocks: BlockPool) {
    this.#blocks = blocks;
  }

  /** What is being sent. */
  get front(): Filled | null {
    return this.#front;
  }

  /** The other one is filled already. */
  get isFull(): boolean {
    return this.#back !== null;
  }

  /** An empty block, for `bytes` where it is a new one; null when there is no memory. */
  takeEmpty(bytes: number): Block | null {
    const block = this.#spare ?? this.#blocks.take(classFor(bytes));
    this.#spare = null;
    return block;
  }

  /** Takes an empty block back. */
  giveEmpty(block: Block): void {
    if (this.#spare === null) this.#spare = block;
    else this.#blocks.give(block);
  }

  /** The first `end` bytes of the block are to be sent behind everything else. */
  fill(block: Block, end: number): void {
    this.#back = { block, start: 0, end };
  }

  /** What is to be sent next; null when nothing is filled. */
  next(): Filled | null {
    if (this.#front === null) {
      this.#front = this.#back;
      this.#back = null;
    }
    return this.#front;
  }

  /** The first bytes of the front have been sent. */
  sent(bytes: number): void {
    const front = this.#front;
    if (front === null) return;
    front.start += bytes;
    if (front.start < front.end) return;
    this.#front = null;
    this.giveEmpty(front.block);
  }

  /** Gives all blocks back: nobody may be reading from or into them. */
  dispose(): void {
    for (const block of [this.#front?.block, this.#back?.block, this.#spare]) if (block) this.#blocks.give(block);
    this.#front = null;
    this.#back = null;
    this.#spare = null;
  }
}
