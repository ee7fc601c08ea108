/** Native memory on ArrayBuffers, for code that computes with addresses but never hands them to a system. */
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';

/** Beyond 2^32, as on Windows, so that arithmetic that drops the upper half shows. */
const FIRST_ADDRESS = 0x7ff6_1234_0000;
const STEP = 0x1_0000_0000;

export class FakeMemory implements NativeMemory {
  /** Regions that were not released, by address. */
  readonly regions = new Map<number, NativeRegion>();
  /** allocate() returns null while this is true. */
  exhausted = false;
  #next = FIRST_ADDRESS;

  allocate(byteLength: number): NativeRegion | null {
    if (this.exhausted) return null;
    const region = { address: this.#next, buffer: new ArrayBuffer(byteLength) };
    this.#next += STEP;
    this.regions.set(region.address, region);
    return region;
  }

  allocateCollected(byteLength: number): NativeRegion | null {
    return this.allocate(byteLength);
  }

  release(address: number): void {
    if (!this.regions.delete(address)) throw new Error(`Released what was not allocated: ${address}`);
  }
}
