/**
 * Native memory of a simulated process. Addresses are numbers, as from VirtualAlloc; every use of one by the simulated
 * kernel is checked against what is allocated at that moment.
 *
 * Each region starts on a 64 KiB boundary, as VirtualAlloc's do, with at least one unused boundary behind it. Addresses
 * lie above 2^32, so that code which drops their upper half fails.
 */
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';
import { SimulationError } from './simulation-error.ts';

const GRANULARITY = 65536;
const FIRST_PAGE = 0x1_2345_0000 / GRANULARITY;

/** A stretch of simulated native memory. */
export class Region implements NativeRegion {
  readonly address: number;
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly end: number;
  /** Operations that the kernel holds and that touch this region. */
  loans = 0;

  constructor(address: number, byteLength: number) {
    this.address = address;
    this.buffer = new ArrayBuffer(byteLength);
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Uint32Array(this.buffer, 0, byteLength >>> 2);
    this.end = address + byteLength;
  }

  setUint32(address: number, value: number): void {
    this.words[(address - this.address) >>> 2] = value;
  }

  getUint32(address: number): number {
    return this.words[(address - this.address) >>> 2] ?? 0;
  }

  /** Writes a pointer-sized value. */
  setPointer(address: number, value: number): void {
    this.setUint32(address, value);
    this.setUint32(address + 4, Math.floor(value / 2 ** 32));
  }

  /** Reads a pointer-sized value. */
  getPointer(address: number): number {
    return this.getUint32(address) + this.getUint32(address + 4) * 2 ** 32;
  }
}

export class SimulatedMemory implements NativeMemory {
  readonly #pages: (Region | undefined)[] = [];
  readonly #regions = new Set<Region>();

  allocate(byteLength: number): Region {
    const region = new Region((FIRST_PAGE + this.#pages.length) * GRANULARITY, byteLength);
    for (let offset = 0; offset < byteLength; offset += GRANULARITY) this.#pages.push(region);
    this.#pages.push(undefined);
    this.#regions.add(region);
    return region;
  }

  release(address: number): void {
    const page = address / GRANULARITY - FIRST_PAGE;
    const region = this.#pages[page];
    if (region?.address !== address) throw new SimulationError(`VirtualFree of ${hex(address)}, where nothing starts`);
    if (region.loans > 0) {
      throw new SimulationError(
        `The memory at ${hex(address)} was released while the kernel has ${region.loans} operations in it`,
      );
    }
    for (let index = page; this.#pages[index] === region; index++) this.#pages[index] = undefined;
    this.#regions.delete(region);
  }

  /** The region that holds all of `length` bytes at an address. Throws SimulationError when there is none. */
  at(address: number, length: number, what: string): Region {
    const region = this.#pages[Math.floor(address / GRANULARITY) - FIRST_PAGE];
    if (region === undefined || address < region.address || address + length > region.end) {
      throw new SimulationError(
        `${what}: the kernel was given ${length} bytes at ${hex(address)}, which is not memory of this process`,
      );
    }
    return region;
  }

  /** The region behind an ArrayBuffer, or null when it is no native memory. */
  regionOf(buffer: ArrayBufferLike): Region | null {
    for (const region of this.#regions) if (region.buffer === buffer) return region;
    return null;
  }

  /** Regions allocated at this moment. */
  get regions(): number {
    return this.#regions.size;
  }
}

/** An address as text. */
export function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
