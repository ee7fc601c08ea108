/** Test data that is the same in every run. */
import { Buffer } from 'node:buffer';

/** `length` bytes from a seed (mulberry32, a 32-bit word at a time). */
export function seededBytes(length: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed | 0;
  for (let index = 0; index < words.length; index++) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    words[index] = mixed ^ (mixed >>> 14);
  }
  return Buffer.from(words.buffer, 0, length);
}
