/** Frames as an encoder makes them: 30 a second, a large key frame each two seconds, and the others of all sizes. */

export const FRAMES_PER_SECOND = 30;
/** A key frame each two seconds. */
export const FRAMES_PER_GROUP = 60;
/** Bytes of a frame in the mean: 4 Mbit/s. */
export const MEAN_FRAME_BYTES = 16_667;
/** A key frame has about seven times the bytes of another frame. */
const KEY_SHARE = 0.11;
/** How far sizes scatter: the smallest of a hundred frames has a third of the mean, and the largest three times as much. */
const SCATTER = 0.45;
/** What is in front of the pictures in a frame of H.264 in FLV, and the number of the frame behind it. */
const HEAD_BYTES = 9;

/** The sizes of one group, bytes. */
export function frameSizes(seed: number, meanBytes: number): number[] {
  const groupBytes = meanBytes * FRAMES_PER_GROUP;
  const random = seeded(seed);
  const others = Array.from({ length: FRAMES_PER_GROUP - 1 }, () => Math.exp(SCATTER * normal(random)));
  const sum = others.reduce((total, size) => total + size, 0);
  const key = groupBytes * KEY_SHARE;
  return [key, ...others.map((size) => ((groupBytes - key) * size) / sum)].map((size) => Math.round(size));
}

/** A frame with its number. */
export function frameOf(number: number, bytes: number): Buffer {
  const frame = Buffer.alloc(Math.max(HEAD_BYTES, bytes), number & 255);
  frame[0] = number % FRAMES_PER_GROUP === 0 ? 0x17 : 0x27;
  frame[1] = 1;
  frame.writeUInt32BE(number, 5);
  return frame;
}

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Box and Muller's. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
