/**
 * Memory that V8 owns, never moves and cannot be parted from: for buffers that users hold and the system fills in place.
 *
 * Such memory has to live exactly as long as anything that can reach it, and only V8 knows how long that is: an ArrayBuffer can
 * leave its memory to another one (ArrayBuffer.prototype.transfer, a byte stream, structuredClone and postMessage with a
 * transfer list), without notice. So the memory is V8's, which frees it with its last reader, and it is of a kind that
 * cannot be transferred: the buffer of a WebAssembly.Memory has a key that only WebAssembly itself knows ("ArrayBuffer is not
 * detachable"), and only growing that memory would detach it. Nobody can grow this one: its Memory object is dropped at once.
 *
 * A SharedArrayBuffer cannot be transferred either, and was tried: its views are slower (a loop over bytes took 10 times as
 * long, a copy of 64 KiB 2 to 3 times), and WebCrypto and the bodies of Request and Response refuse it. So it is the way out
 * only where there is no WebAssembly (node --jitless).
 *
 * Sources: https://webassembly.github.io/spec/js-api/ (create a fixed length memory buffer: [[ArrayBufferDetachKey]]),
 * https://tc39.es/ecma262/#sec-detacharraybuffer
 */

import { isRangeError, isTypeError } from './thrown.ts';

/** Bytes that a WebAssembly.Memory grows by, and the least that it takes. */
export const COLLECTED_PAGE_SIZE = 65536;

/** WebAssembly.Memory, which the libraries that TypeScript is given here do not declare. */
type MemoryClass = new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };

/** Taken when this is loaded, so that nothing which is put in its place later is used. Null with --jitless. */
const wasmMemory = (globalThis as { WebAssembly?: { readonly Memory: MemoryClass } }).WebAssembly?.Memory ?? null;

/**
 * Returns zeroed memory whose ArrayBuffer is of `byteLength` bytes at least, or null when there is none to be had: besides
 * the bytes themselves V8 reserves several GiB of address space for each, so few large ones are better than many small ones.
 */
export function undetachableBuffer(byteLength: number, Memory: MemoryClass | null = wasmMemory): ArrayBuffer | null {
  const pages = Math.ceil(byteLength / COLLECTED_PAGE_SIZE);
  try {
    if (Memory !== null) return new Memory({ initial: pages, maximum: pages }).buffer;
    // Every view takes it for an ArrayBuffer, and so may this library.
    return new SharedArrayBuffer(pages * COLLECTED_PAGE_SIZE) as unknown as ArrayBuffer;
  } catch (error) {
    // Out of memory, or of address space; a TypeError is about more pages than there can be (4 GiB).
    if (isRangeError(error) || isTypeError(error)) return null;
    throw error;
  }
}
