/**
 * Buffers that users own and the kernel may fill in place: allocateBuffer().
 *
 * Each is a native region of its own behind an ArrayBuffer. Whoever passes such a buffer, or a slice of it, to asyncRead
 * or asyncWrite lends exactly those bytes. The operation keeps the buffer reachable, so the region cannot be given back
 * (when its ArrayBuffer is garbage) while the kernel has it.
 */
import { Buffer } from 'node:buffer';
import { markAsUntransferable } from 'node:worker_threads';
import type { NativeMemory } from '../../ffi/memory.ts';

export class PinnedBuffers {
  readonly #memory: NativeMemory;
  readonly #addresses = new WeakMap<ArrayBufferLike, number>();
  readonly #garbage: FinalizationRegistry<{ address: number; size: number }>;
  #bytes = 0;

  constructor(memory: NativeMemory) {
    this.#memory = memory;
    this.#garbage = new FinalizationRegistry(({ address, size }) => {
      this.#bytes -= size;
      this.#memory.release(address);
    });
  }

  /** Bytes in buffers that users hold. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Returns a zeroed buffer, or null when the system has no memory. */
  allocate(size: number): Buffer | null {
    const region = this.#memory.allocate(size);
    if (region === null) return null;
    markAsUntransferable(region.buffer);
    this.#addresses.set(region.buffer, region.address);
    this.#garbage.register(region.buffer, { address: region.address, size });
    this.#bytes += size;
    return Buffer.from(region.buffer, 0, size);
  }

  /** The address of a pinned buffer's first byte, or 0 for memory that is not ours. */
  addressOf(data: Uint8Array): number {
    if (this.#bytes === 0) return 0;
    const address = this.#addresses.get(data.buffer);
    return address === undefined || data.buffer.byteLength === 0 ? 0 : address + data.byteOffset;
  }
}
