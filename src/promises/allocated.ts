/**
 * Memory of allocateBuffer(): a write from there copies nothing, however many connections the same bytes go to. So it is done when
 * the system has all of them, and not before: until then they must stay as they are.
 */
import type { WriteData } from '../pal/network-pal.ts';

/** What such buffers are cut from: few, and each is known as long as somebody can reach it. */
const memories = new WeakSet<ArrayBufferLike>();

/** Remembers where it is. */
export function asAllocated(buffer: Buffer): Buffer {
  memories.add(buffer.buffer);
  return buffer;
}

/** All of it lies in such memory. */
export function isAllocated(data: WriteData): boolean {
  if (data instanceof Uint8Array) return memories.has(data.buffer);
  return data.length > 0 && data.every(({ buffer }) => memories.has(buffer));
}
