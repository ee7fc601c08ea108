/**
 * The ring's shared memory: a page of control words, one commit word per cell, and the cells.
 *
 * Words that different threads write lie in cache lines of their own.
 */
import { isSharedArrayBuffer } from 'node:util/types';
import { argumentError } from '../pal/network-error.ts';

/** Bytes of a cell: a cache line. A record takes as many cells in a row as it needs, across the end of the ring too. */
export const CELL_BYTES = 64;
/** Bytes of a record's header, at the start of its first cell: kind, the subject's two halves, the payload's length. */
export const HEADER_BYTES = 16;
/** Words between two control words: a cache line. */
const LINE = 16;

/** Where the next record will be claimed: the position in the upper 31 bits, CLOSED in the lowest. Any thread writes it. */
export const TAIL = 0;
/** The position of the oldest record that has not been taken. The consumer writes it. */
export const HEAD = LINE;
/** ASLEEP or AWAKE: whether the consumer has to be woken for the next record. */
export const SIGNAL = 2 * LINE;
/** Producers that are inside submit() at this moment. */
export const INSIDE = 3 * LINE;
/** Connections that were handed to this loop and are still open; for whoever spreads by load. */
export const LOAD = 4 * LINE;
/** 1 once the consumer has stopped waiting for the producers inside. */
export const ABANDONED = 5 * LINE;
export const CONTROL_WORDS = 6 * LINE;

/** The bit of TAIL that ends all claiming. In the same word as the position, so that no claim can slip past it. */
export const CLOSED = 1;
/** Positions count cells, modulo 2^31. */
export const POSITION_MASK = 0x7fffffff;

export const ASLEEP = 0;
export const AWAKE = 1;

/** Fewest and most cells of a ring, a power of two: 4 KiB and 64 MiB of cells. */
export const MIN_CELLS = 64;
export const MAX_CELLS = 2 ** 20;

/** The views that producers and the consumer work with. */
export interface RingViews {
  readonly cells: number;
  readonly words: Int32Array;
  /** One per cell, 1 when the record that begins there is complete. */
  readonly commits: Int32Array;
  /** The cells as words and as bytes. */
  readonly payloadWords: Int32Array;
  readonly payload: Uint8Array;
}

/** Memory for a ring with room for at least `byteLength` bytes, headers included. */
export function allocateRing(byteLength: number): SharedArrayBuffer {
  let cells = MIN_CELLS;
  while (cells * CELL_BYTES < byteLength && cells < MAX_CELLS) cells *= 2;
  return new SharedArrayBuffer((CONTROL_WORDS + cells) * Int32Array.BYTES_PER_ELEMENT + cells * CELL_BYTES);
}

/** Shared memory, also of another realm (node:vm, jest), that has the size of a ring. */
export function isRing(value: unknown): value is SharedArrayBuffer {
  return isSharedArrayBuffer(value) && isRingOf(cellsOf(value));
}

/** Views on a ring's memory. Throws RangeError when it is not a ring's. */
export function viewRing(buffer: SharedArrayBuffer): RingViews {
  const cells = cellsOf(buffer);
  if (!isRingOf(cells)) {
    throw argumentError(
      RangeError,
      'ERR_OUT_OF_RANGE',
      `Cannot use ${buffer.byteLength} bytes of shared memory as a ring: no ring has this size`,
    );
  }
  const commitsAt = CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT;
  const cellsAt = commitsAt + cells * Int32Array.BYTES_PER_ELEMENT;
  return {
    cells,
    words: new Int32Array(buffer, 0, CONTROL_WORDS),
    commits: new Int32Array(buffer, commitsAt, cells),
    payloadWords: new Int32Array(buffer, cellsAt, (cells * CELL_BYTES) / Int32Array.BYTES_PER_ELEMENT),
    payload: new Uint8Array(buffer, cellsAt, cells * CELL_BYTES),
  };
}

function cellsOf({ byteLength }: SharedArrayBuffer): number {
  return (byteLength - CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT) / (CELL_BYTES + Int32Array.BYTES_PER_ELEMENT);
}

function isRingOf(cells: number): boolean {
  return Number.isInteger(cells) && cells >= MIN_CELLS && cells <= MAX_CELLS && (cells & (cells - 1)) === 0;
}

/** Cells that a record with so many bytes of payload takes. */
export function cellsFor(byteLength: number): number {
  return Math.ceil((HEADER_BYTES + byteLength) / CELL_BYTES);
}

/** Most bytes of payload that one record can have: half of the ring, so that one record cannot hold up all others. */
export function largestPayload(cells: number): number {
  return (cells / 2) * CELL_BYTES - HEADER_BYTES;
}
