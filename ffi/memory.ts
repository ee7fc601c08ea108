/**
 * Native memory: pages from VirtualAlloc, seen from JavaScript through ArrayBuffers that do not own them.
 *
 * Why not a typed array of V8's own: V8 keeps arrays of up to 64 bytes on its moving heap, any ArrayBuffer can be detached
 * or resized while the kernel writes into it, and the environment's teardown frees it while operations may still be
 * pending. These pages never move, and they outlive the environment: at process exit Windows takes them back after the
 * last operation is gone.
 */
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

/** Takes and gives back native memory. Sizes are bytes. */
export interface NativeMemory {
  /** Returns zeroed memory, aligned to 64 KiB, or null when the system has none. */
  allocate(byteLength: number): NativeRegion | null;
  /** Gives the region at an address back. The caller vouches that neither the kernel nor a view will touch it again. */
  release(address: number): void;
}

/** Native memory of this process, from VirtualAlloc. */
export function virtualMemory(koffi: KoffiModule, kernel32: Kernel32): NativeMemory {
  return {
    allocate(byteLength) {
      const address = kernel32.VirtualAlloc(0, byteLength, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
      if (address === 0) return null;
      return { address, buffer: koffi.view(address, byteLength) };
    },
    release(address) {
      kernel32.VirtualFree(address, 0, MEM_RELEASE);
    },
  };
}
