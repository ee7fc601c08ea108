import type { Allocate } from './chunks.ts';

/** Bytes that are taken at once: a second of 4 Mbit/s. They go when the last frame in them has been sent. */
const PIECE_BYTES = 512 * 1024;

/**
 * Memory for the frames of one stream, which lie in it one behind the other: those that a player gets together are one piece for the
 * system then.
 * @param allocate allocateBuffer of iocp-pal/promises, from where a write copies nothing
 */
export function frameMemory(allocate: Allocate): Allocate {
  let piece: Buffer = Buffer.alloc(0);
  let used = 0;
  return (bytes) => {
    if (used + bytes > piece.length) [piece, used] = [allocate(Math.max(bytes, PIECE_BYTES)), 0];
    used += bytes;
    return piece.subarray(used - bytes, used);
  };
}
