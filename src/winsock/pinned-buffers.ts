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

/** A region behind a buffer, and who took it. */
interface Taken {
  readonly by: PinnedBuffers;
  readonly address: number;
  readonly size: number;
}

/**
 * One for all, and for ever: a registry that is garbage itself tells nobody, and a buffer may well outlive the run of the PAL
 * that it came from.
 */
const garbage = new FinalizationRegistry<Taken>(({ by, address, size }) => {
  by.takeBack(address, size);
});

export class PinnedBuffers {
  readonly #memory: NativeMemory;
  readonly #addresses = new WeakMap<ArrayBufferLike, number>();
  #bytes = 0;

  constructor(memory: NativeMemory) {
    this.#memory = memory;
  }

  /** Bytes in buffers that users hold. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Returns a zeroed buffer, or null when the system has no memory. */
  allocate(size: number): Buffer | null {
    const region = this.#memory.allocate(size);
    if (region === null) return null;
    refuseTransfers(region.buffer);
    this.#addresses.set(region.buffer, region.address);
    garbage.register(region.buffer, { by: this, address: region.address, size });
    this.#bytes += size;
    return Buffer.from(region.buffer, 0, size);
  }

  /** A buffer is garbage: its region goes back to the system. */
  takeBack(address: number, size: number): void {
    this.#bytes -= size;
    this.#memory.release(address);
  }

  /** The address of a pinned buffer's first byte, or 0 for memory that is not ours. */
  addressOf(data: Uint8Array): number {
    if (this.#bytes === 0) return 0;
    const address = this.#addresses.get(data.buffer);
    return address === undefined || data.buffer.byteLength === 0 ? 0 : address + data.byteOffset;
  }
}

/**
 * A transferred ArrayBuffer leaves its memory to another one, of which nobody here knows: that memory would be given back
 * under it. Node refuses to transfer a marked buffer to a port or a clone, but not in V8's own methods.
 */
function refuseTransfers(buffer: ArrayBuffer): void {
  markAsUntransferable(buffer);
  for (const method of ['transfer', 'transferToFixedLength'])
    Object.defineProperty(buffer, method, { value: refuseTransfer });
}

function refuseTransfer(): never {
  throw new TypeError(
    'Cannot transfer the memory of allocateBuffer(): it is lent to the system where it lies. Copy it',
  );
}
