/**
 * Pinned data buffers: blocks of a few sizes, cut from chunks of native memory that are taken when needed and kept.
 *
 * An idle connection pins no block, since its receive has no buffer (idle-sweep.ts). The smallest block decides what a
 * posted accept costs, or a busy connection with short messages: 512 bytes, and a slot of 128 bytes.
 */
import { Buffer } from 'node:buffer';
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';

/** Block sizes, bytes, ascending. */
export const BLOCK_SIZES = [512, 4096, 16384, 65536, 262144] as const;
export const LARGEST_CLASS = BLOCK_SIZES.length - 1;
/** Bytes taken from the system at a time. VirtualAlloc works in 64 KiB steps; small sizes share a chunk. */
const CHUNK_SIZES = [65536, 262144, 262144, 1048576, 1048576] as const;

/** Where a block comes from, and goes back to. */
export interface BlockHome {
  /** It is not used any more. */
  back(block: Block): void;
}

export class Block {
  /** 0 where the kernel must not have it. */
  readonly address: number;
  readonly size: number;
  readonly sizeClass: number;
  readonly home: BlockHome;
  inUse = false;
  /** Of no length where nobody has looked into the block yet (takeUnseen): then bytesOf() makes them. */
  bytes: Buffer;
  /** What they are cut from. */
  readonly region: NativeRegion | null;

  constructor(address: number, memory: Buffer | NativeRegion, size: number, sizeClass: number, home: BlockHome) {
    const isSeen = memory instanceof Uint8Array;
    this.address = address;
    this.size = size;
    this.sizeClass = sizeClass;
    this.home = home;
    this.bytes = isSeen ? memory : UNSEEN;
    this.region = isSeen ? null : memory;
  }
}

const UNSEEN = Buffer.alloc(0);

/** The bytes of a block, to look into it. (Known by their length: the backend of another entry may be a bundle with an UNSEEN of its own.) */
export function bytesOf(block: Block): Buffer {
  return block.bytes.length === 0 ? see(block) : block.bytes;
}

function see(block: Block): Buffer {
  block.bytes = partOf(block, 0, block.size);
  return block.bytes;
}

/** Some of the bytes of a block, for a look that makes no others. */
export function partOf({ address, bytes, region }: Block, start: number, size: number): Buffer {
  if (region === null) return bytes.subarray(start, start + size);
  return Buffer.from(region.buffer, address - region.address + start, size);
}

/** What of a class's newest chunk is not cut yet. */
interface Rest {
  region: NativeRegion | null;
  offset: number;
}

export class BlockPool implements BlockHome {
  readonly #memory: NativeMemory;
  readonly #free: Block[][] = BLOCK_SIZES.map(() => []);
  readonly #rests: Rest[] = BLOCK_SIZES.map(() => ({ region: null, offset: 0 }));
  readonly #regions: NativeRegion[] = [];
  #bytesInUse = 0;
  #reservedBytes = 0;
  #lentBlocks = 0;

  constructor(memory: NativeMemory) {
    this.#memory = memory;
  }

  /** Bytes in blocks that are in use. */
  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  /** Bytes taken from the system. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** Takes a block of the given class; a smaller one when the system is out of memory; null when it has none at all. */
  take(sizeClass: number): Block | null {
    const block = this.takeUnseen(sizeClass);
    if (block !== null) bytesOf(block);
    return block;
  }

  /**
   * The same for the kernel alone. Of accepts hundreds are posted, and nobody looks at more of their blocks than an address (partOf): a
   * Buffer for each would be larger than the block's object.
   */
  takeUnseen(sizeClass: number): Block | null {
    const block = this.#free[sizeClass]?.pop() ?? this.#cutUpTo(sizeClass);
    if (block === null) return null;
    block.inUse = true;
    this.#bytesInUse += block.size;
    this.#lentBlocks++;
    return block;
  }

  /** A block of this class, of which none is free, or of the next smaller class that has one. */
  #cutUpTo(sizeClass: number): Block | null {
    let block = this.#cut(sizeClass);
    for (let smaller = sizeClass - 1; block === null && smaller >= 0; smaller--) {
      block = this.#free[smaller]?.pop() ?? this.#cut(smaller);
    }
    return block;
  }

  /** Gives a block back to where it came from. The kernel must be done with it. */
  give(block: Block): void {
    if (!block.inUse) throw givenTwice();
    block.inUse = false;
    block.home.back(block);
  }

  back(block: Block): void {
    this.#bytesInUse -= block.size;
    this.#lentBlocks--;
    this.#free[block.sizeClass]?.push(block);
  }

  /** Gives all memory back to the system, unless a block is still in use: then it is kept, for the kernel's sake. */
  dispose(): void {
    if (this.#lentBlocks > 0) return;
    for (const region of this.#regions) this.#memory.release(region.address);
    for (const free of this.#free) free.length = 0;
    for (const rest of this.#rests) rest.region = null;
    this.#reservedBytes = 0;
  }

  /** The next block of a chunk, in ascending order of address; null when the system has no memory for another chunk. */
  #cut(sizeClass: number): Block | null {
    const rest = this.#rests[sizeClass];
    const chunkSize = CHUNK_SIZES[sizeClass] ?? 0;
    if (rest === undefined) return null;
    if (rest.region === null || rest.offset === chunkSize) {
      const region = this.#memory.allocate(chunkSize);
      if (region === null) return null;
      this.#regions.push(region);
      this.#reservedBytes += chunkSize;
      rest.region = region;
      rest.offset = 0;
    }
    const { region, offset } = rest;
    const size = BLOCK_SIZES[sizeClass] ?? chunkSize;
    const block = new Block(region.address + offset, region, size, sizeClass, this);
    rest.offset += size;
    return block;
  }
}

function givenTwice(): Error {
  return new Error('A pinned block was given back twice. This is a bug in iocp-pal; please report it');
}

/** The smallest class whose blocks hold `byteLength` bytes, or the largest class. */
export function classFor(byteLength: number): number {
  for (let sizeClass = 0; sizeClass < LARGEST_CLASS; sizeClass++) {
    if (byteLength <= (BLOCK_SIZES[sizeClass] ?? 0)) return sizeClass;
  }
  return LARGEST_CLASS;
}
