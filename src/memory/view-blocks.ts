/**
 * Blocks that a callback is given a view of: received bytes that nobody has copied.
 *
 * A view may outlive its callback, and even its PAL, if somebody keeps it, and it may be transferred with its ArrayBuffer. So
 * these blocks are cut from memory that V8 owns and nothing can part from its views (pinned-buffers.ts): whoever looks at a view too late
 * sees other bytes, and never memory that is gone. The blocks are used again, and garbage with their PAL.
 */
import { Block, BLOCK_SIZES, type BlockHome } from './block-pool.ts';
import { PinnedBuffers } from './pinned-buffers.ts';
import type { NativeMemory } from '../../ffi/memory.ts';

export class ViewBlocks implements BlockHome {
  readonly #memory: PinnedBuffers;
  readonly #free: Block[][] = BLOCK_SIZES.map(() => []);
  #lends: boolean;
  #bytesInUse = 0;

  /** @param lends the kernel may be lent what V8 owns, as PinnedBuffers has it */
  constructor(memory: NativeMemory, lends: boolean) {
    this.#memory = new PinnedBuffers(memory, lends);
    this.#lends = lends;
  }

  /** The kernel may fill them. */
  get lends(): boolean {
    return this.#lends;
  }

  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  get reservedBytes(): number {
    return this.#memory.reservedBytes;
  }

  /** Takes a block of the given class, or null when there is no memory. */
  take(sizeClass: number): Block | null {
    const block = this.#free[sizeClass]?.pop() ?? this.#make(sizeClass);
    if (block === null) return null;
    block.inUse = true;
    this.#bytesInUse += block.size;
    return block;
  }

  back(block: Block): void {
    this.#bytesInUse -= block.size;
    this.#free[block.sizeClass]?.push(block);
  }

  /** The thread ends: from now on the kernel is lent none. */
  stopLending(): void {
    this.#lends = false;
    this.#memory.stopLending();
  }

  #make(sizeClass: number): Block | null {
    const size = BLOCK_SIZES[sizeClass] ?? 0;
    const bytes = this.#memory.allocate(size);
    if (bytes === null) return null;
    return new Block(this.#memory.addressOf(bytes, size), bytes, size, sizeClass, this);
  }
}
