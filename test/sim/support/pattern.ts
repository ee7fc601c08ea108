/** What the streams of a program carry: bytes that say which stream they belong to, and where. */
import { Prng } from '../../../src/sim/schedule/prng.ts';

/** A prime, so that streams never fall into step, and longer than any buffer. */
const PERIOD = 1_048_573;
/** Where one stream starts in the period, against the one before. */
const STREAM_STEP = 104_729;

const bytes = makeBytes();

function makeBytes(): Uint8Array {
  const period = new Uint32Array(Math.ceil(PERIOD / 4));
  const prng = new Prng(20_26);
  for (let index = 0; index < period.length; index++) period[index] = prng.next();
  const once = new Uint8Array(period.buffer, 0, PERIOD);
  const twice = new Uint8Array(PERIOD * 2);
  twice.set(once);
  twice.set(once, PERIOD);
  return twice;
}

/** The bytes of a stream from `offset` on. A view: nobody may write to it. */
export function streamBytes(stream: number, offset: number, length: number): Uint8Array {
  const start = (stream * STREAM_STEP + offset) % PERIOD;
  return bytes.subarray(start, start + length);
}
