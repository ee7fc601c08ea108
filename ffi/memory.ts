/**
 * Native memory: pages from VirtualAlloc, seen from JavaScript through ArrayBuffers that do not own them.
 *
 * Why not a typed array of V8's own: V8 keeps arrays of up to 64 bytes on its moving heap, any ArrayBuffer can be detached
 * or resized while the kernel writes into it, and the environment's teardown frees it while operations may still be
 * pending. These pages never move, and they outlive the environment: at process exit Windows takes them back after the
 * last operation is gone, and when a thread is terminated, in which no JavaScript runs any more, they are simply left.
 *
 * What users get in hand is another kind (collected-memory.ts): it must live as long as they can reach it, so V8 owns it,
 * and V8 frees it when its thread ends. The kernel is given it only where that end is announced (ThreadEnd in src/platform).
 */
import { undetachableBuffer } from './collected-memory.ts';
import { MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE } from './constants.ts';
import type { Kernel32 } from './kernel32.ts';
import type { KoffiModule } from './koffi.ts';

/** A stretch of native memory. */
export interface NativeRegion {
  /** Where it starts, as the kernel sees it. */
  readonly address: number;
  /** The same bytes, as JavaScript sees them. */
  readonly buffer: ArrayBuffer;
}

/**
 * The runtime refuses ArrayBuffers over memory that is not V8's. Electron does since version 21, and others that are built with
 * V8's sandbox ("memory cage") will.
 */
export class ExternalBuffersRefusedError extends Error {
  constructor(cause: unknown) {
    super('This runtime does not let an ArrayBuffer show native memory', { cause });
  }
}

/** Takes and gives back native memory. Sizes are bytes. */
export interface NativeMemory {
  /**
   * Returns zeroed memory, aligned to 64 KiB, or null when the system has none. Throws ExternalBuffersRefusedError, and keeps
   * nothing, where the runtime cannot show it.
   */
  allocate(byteLength: number): NativeRegion | null;
  /**
   * Returns zeroed memory of `byteLength` bytes at least that V8 owns: it never moves, it cannot be detached, and it is freed
   * when its ArrayBuffer is garbage, or its thread has ended. Null when there is none.
   */
  allocateCollected(byteLength: number): NativeRegion | null;
  /** Gives the region at an address back. The caller vouches that neither the kernel nor a view will touch it again. */
  release(address: number): void;
}

/** Native memory of this process, from VirtualAlloc. */
export function virtualMemory(koffi: KoffiModule, kernel32: Kernel32): NativeMemory {
  return {
    allocate(byteLength) {
      const address = kernel32.VirtualAlloc(0, byteLength, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
      if (address === 0) return null;
      let buffer: ArrayBuffer;
      try {
        buffer = koffi.view(address, byteLength);
      } catch (error) {
        kernel32.VirtualFree(address, 0, MEM_RELEASE);
        throw new ExternalBuffersRefusedError(error);
      }
      return { address, buffer };
    },
    allocateCollected(byteLength) {
      const buffer = undetachableBuffer(byteLength);
      return buffer === null ? null : { address: Number(koffi.address(buffer)), buffer };
    },
    release(address) {
      kernel32.VirtualFree(address, 0, MEM_RELEASE);
    },
  };
}
