/**
 * Native memory of a simulated process. Addresses are numbers, as from VirtualAlloc; every use of one by the simulated
 * kernel is checked against what is allocated at that moment.
 *
 * Each region starts on a 64 KiB boundary, as VirtualAlloc's do, with at least one unused boundary behind it. Addresses
 * lie above 2^32, so that code which drops their upper half fails.
 */
import { undetachableBuffer } from '../../../ffi/collected-memory.ts';
import type { NativeMemory, NativeRegion } from '../../../ffi/memory.ts';
import { SimulationError } from '../machine/simulation-error.ts';

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

  constructor(address: number, byteLength: number, buffer = new ArrayBuffer(byteLength)) {
    this.address = address;
    this.buffer = buffer;
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
  readonly #pages: (Region | WeakRef<Region> | undefined)[] = [];
  readonly #regions = new Set<Region>();
  /** What V8 owns lives as long as its ArrayBuffer, or until the thread ends. */
  #collected = new WeakMap<ArrayBufferLike, Region>();

  allocate(byteLength: number): Region {
    const region = new Region(this.#nextAddress, byteLength);
    this.#map(region, region);
    this.#regions.add(region);
    return region;
  }

  allocateCollected(byteLength: number): Region | null {
    const buffer = undetachableBuffer(byteLength);
    if (buffer === null) return null;
    const region = new Region(this.#nextAddress, buffer.byteLength, buffer);
    this.#map(region, new WeakRef(region));
    this.#collected.set(buffer, region);
    return region;
  }

  /** The thread has ended: V8 has freed what it owned. */
  endThread(): void {
    for (const [index, page] of this.#pages.entries()) if (page instanceof WeakRef) this.#pages[index] = undefined;
    this.#collected = new WeakMap();
  }

  /** V8 owns the region. */
  isCollected({ buffer }: Region): boolean {
    return this.#collected.has(buffer);
  }

  release(address: number): void {
    const page = address / GRANULARITY - FIRST_PAGE;
    const region = this.#pages[page];
    if (!(region instanceof Region) || region.address !== address)
      throw new SimulationError(`VirtualFree of ${hex(address)}, where nothing starts`);
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
    const page = this.#pages[Math.floor(address / GRANULARITY) - FIRST_PAGE];
    const region = page instanceof WeakRef ? page.deref() : page;
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
    return this.#collected.get(buffer) ?? null;
  }

  /** Regions allocated at this moment, without those that V8 owns. */
  get regions(): number {
    return this.#regions.size;
  }

  get #nextAddress(): number {
    return (FIRST_PAGE + this.#pages.length) * GRANULARITY;
  }

  /** Puts a region behind what there is, and leaves a hole behind it. */
  #map(region: Region, entry: Region | WeakRef<Region>): void {
    for (let offset = 0; offset < region.bytes.length; offset += GRANULARITY) this.#pages.push(entry);
    this.#pages.push(undefined);
  }
}

/** An address as text. */
export function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
