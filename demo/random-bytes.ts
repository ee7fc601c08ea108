/** Seeded random bytes: the same for the same seed, on every machine. Fast and well spread; not for secrets. */

/** Spreads neighbouring seeds apart (the golden ratio, as in splitmix32). */
const SEED_STEP = 0x9e3779b9;

/** Fills `target` with the bytes that belong to this seed, connection and message. */
export function fillRandom(target: Uint8Array, seed: number, connection: number, message: number): void {
  let state = mix(mix(mix(seed) ^ connection) ^ message);
  let word = 0;
  for (let index = 0; index < target.length; index++) {
    if ((index & 3) === 0) {
      state = (state + SEED_STEP) >>> 0;
      word = mix(state);
    }
    target[index] = word & 0xff;
    word >>>= 8;
  }
}

/** The finisher of splitmix32: every bit of the input reaches every bit of the output. */
function mix(value: number): number {
  let mixed = (value + SEED_STEP) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
