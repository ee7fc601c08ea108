/** A datagram that has come, and how many are kept for whoever asks next. */
import type { Endpoint } from '../pal/handles.ts';

/** A datagram that has come. */
export interface Datagram {
  /** Its bytes, which are yours to keep. */
  readonly data: Buffer;
  /** Who sent it. */
  readonly remote: Endpoint;
  /** Bytes that it had: more than `data` has when the socket's maxDatagramSize has cut it. */
  readonly size: number;
}

/** Bytes that are kept of what came while only requests waited. What is beyond is dropped, as the system does it. */
const MAX_HELD_BYTES = 2 ** 20;
/** What a datagram takes of that at least, so that empty ones have an end too. */
const LEAST_BYTES = 512;

/** Whether one more is kept beside those. */
export function hasRoomFor(held: readonly Datagram[], datagram: Datagram): boolean {
  return held.reduce((sum, other) => sum + costOf(other), costOf(datagram)) <= MAX_HELD_BYTES;
}

function costOf({ data }: Datagram): number {
  return Math.max(LEAST_BYTES, data.length);
}
