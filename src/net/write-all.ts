/** One write of a stream: tried at once where it is small, and else given to the PAL, in pieces where it is large. */
import type { SocketHandle } from '../pal/handles.ts';
import type { NetworkPal } from '../pal/network-pal.ts';

/** Called once: with the error, or null. */
export type DoneCallback = (error: NodeJS.ErrnoException | null) => void;

/**
 * Up to so many bytes are given to the system in the call itself, as libuv does: an answer then costs one call, and neither an
 * operation nor a turn of the loop.
 */
const AT_ONCE_BYTES = 65_536;

/** Bytes that are given to the PAL at a time: far less than its queues hold, so that none of them is ever full. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Writes all of it, behind what was written before.
 * @param bytes that `data` has altogether
 * @param done called inside this call when the system has taken everything at once
 */
export function writeAll(
  pal: NetworkPal,
  handle: SocketHandle,
  data: readonly Uint8Array[],
  bytes: number,
  done: DoneCallback,
): void {
  if (!isGivenAtOnce(bytes)) return writePieces(pal, handle, piecesOf(data), done);
  if (bytes === 0 || bytes > AT_ONCE_BYTES) return void pal.asyncWrite(handle, data, done);
  const taken = pal.tryWrite(handle, data.length === 1 ? (data[0] ?? data) : data);
  if (taken === bytes) done(null);
  else pal.asyncWrite(handle, taken > 0 ? behind(data, taken) : data, done);
}

/** Whether so many bytes are given to the PAL in the call itself. What is written behind others may leave a hole. */
export function isGivenAtOnce(bytes: number): boolean {
  return bytes <= PIECE_BYTES;
}

/** What is left of a list behind its first bytes. */
export function behind(data: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let before = bytes;
  for (const part of data) {
    if (before < part.length) rest.push(before > 0 ? part.subarray(before) : part);
    before = Math.max(0, before - part.length);
  }
  return rest;
}

function writePieces(pal: NetworkPal, handle: SocketHandle, pieces: Generator<Uint8Array[]>, done: DoneCallback): void {
  const next = (error: NodeJS.ErrnoException | null): void => {
    const piece = error === null ? pieces.next() : undefined;
    if (piece?.done === false) pal.asyncWrite(handle, piece.value, next);
    else done(error);
  };
  next(null);
}

/** The same bytes in the same order, in lists of PIECE_BYTES at most. */
function* piecesOf(data: readonly Uint8Array[]): Generator<Uint8Array[]> {
  let piece: Uint8Array[] = [];
  let room = PIECE_BYTES;
  for (let rest of data) {
    while (rest.length >= room) {
      piece.push(rest.subarray(0, room));
      rest = rest.subarray(room);
      yield piece;
      piece = [];
      room = PIECE_BYTES;
    }
    if (rest.length > 0) piece.push(rest);
    room -= rest.length;
  }
  if (piece.length > 0) yield piece;
}
