/**
 * Buffers that users own and the kernel may fill in place: allocateBuffer().
 *
 * They are cut from memory that V8 owns and nothing can part a buffer from (ffi/collected-memory.ts): so it lives as long as
 * anybody can reach it, whatever becomes of the buffer and of this PAL. It is cut from in ascending order and never given
 * out twice, so a buffer is always zeroed; a large one has memory of its own.
 *
 * Whoever passes such a buffer, or a slice of it, to asyncRead or asyncWrite lends exactly those bytes: the operation keeps the
 * buffer reachable while the kernel has it. Where the end of the thread would come without notice (worker.terminate()), V8
 * would free it nevertheless; there the kernel is not given it, and its bytes are copied like any other's.
 */
import { Buffer } from 'node:buffer';
import { COLLECTED_PAGE_SIZE } from '../../ffi/collected-memory.ts';
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';

/** Most bytes of an arena, and least bytes of a buffer that has memory of its own. */
const LARGEST_ARENA = 1024 * 1024;
/** Bytes that the first byte of each buffer is aligned to: a cache line, so that no two buffers share one. */
const ALIGNMENT = 64;

/** Memory that buffers are cut from, and what is counted for it. */
interface Arena {
  readonly address: number;
  readonly byteLength: number;
  /** Where the next buffer begins, bytes. */
  end: number;
  /** Bytes of the buffers. */
  cut: number;
  readonly by: PinnedBuffers;
}

/**
 * One for all, and for ever: a registry that is garbage itself calls nobody, and a buffer may well outlive the run of the PAL
 * that it came from.
 */
const garbage = new FinalizationRegistry<Arena>((arena) => arena.by.forget(arena));

export class PinnedBuffers {
  readonly #memory: NativeMemory;
  readonly #arenas = new WeakMap<ArrayBufferLike, Arena>();
  #lends: boolean;
  /** What the next small buffer is cut from. Its buffers keep it, not this. */
  #current: WeakRef<ArrayBuffer> | null = null;
  #nextSize = COLLECTED_PAGE_SIZE;
  #bytes = 0;
  #reservedBytes = 0;

  /** @param lends the kernel may be lent what V8 owns: it is never left with it */
  constructor(memory: NativeMemory, lends: boolean) {
    this.#memory = memory;
    this.#lends = lends;
  }

  /** Bytes in buffers that users hold; those of one arena count until none of them is held. */
  get byteLength(): number {
    return this.#bytes;
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** Returns a zeroed buffer, or null when the system has no memory. */
  allocate(size: number): Buffer | null {
    const shared = size < LARGEST_ARENA;
    const room = shared ? this.#roomFor(size) : this.#take(size);
    if (room === null) return null;
    const arena = this.#arenas.get(room);
    if (arena === undefined) return null;
    const offset = arena.end;
    arena.end = Math.ceil((offset + size) / ALIGNMENT) * ALIGNMENT;
    arena.cut += size;
    this.#bytes += size;
    return Buffer.from(room, offset, size);
  }

  /** The address of the first of `byteLength` bytes of a buffer, or 0 for memory that the kernel is not lent. */
  addressOf(data: Uint8Array, byteLength: number): number {
    return this.#bytes === 0 || !this.#lends ? 0 : this.#find(data, byteLength);
  }

  #find(data: Uint8Array, byteLength: number): number {
    const arena = this.#arenas.get(data.buffer);
    if (arena === undefined) return 0;
    const { byteOffset } = data;
    // A view says where it is; only what lies inside is believed.
    return byteOffset >= 0 && byteOffset + byteLength <= arena.byteLength ? arena.address + byteOffset : 0;
  }

  /** The thread ends: from now on nothing is lent. */
  stopLending(): void {
    this.#lends = false;
  }

  /** An arena is garbage. */
  forget({ cut, byteLength }: Arena): void {
    this.#bytes -= cut;
    this.#reservedBytes -= byteLength;
  }

  /** Memory with room for a small buffer. Arenas grow with the demand, so that a single buffer does not keep much. */
  #roomFor(size: number): ArrayBuffer | null {
    const current = this.#current?.deref();
    const arena = current === undefined ? undefined : this.#arenas.get(current);
    if (current !== undefined && arena !== undefined && arena.end + size <= arena.byteLength) return current;
    const taken = this.#take(Math.max(size, this.#nextSize));
    if (taken === null) return null;
    this.#nextSize = Math.min(LARGEST_ARENA, this.#nextSize * 2);
    this.#current = new WeakRef(taken);
    return taken;
  }

  #take(size: number): ArrayBuffer | null {
    const region: NativeRegion | null = this.#memory.allocateCollected(size);
    if (region === null) return null;
    const { address, buffer } = region;
    const arena: Arena = { address, byteLength: buffer.byteLength, end: 0, cut: 0, by: this };
    this.#arenas.set(buffer, arena);
    garbage.register(buffer, arena);
    this.#reservedBytes += arena.byteLength;
    return buffer;
  }
}
