/**
 * What goes out with one WSASend: small writes are copied into one block, buffers from allocateBuffer() are sent from where
 * they lie, and up to MAX_SEGMENTS of both are gathered.
 */
import { BLOCK_SIZES, classFor, LARGEST_CLASS, type Block } from '../memory/block-pool.ts';
import type { Connection } from './connection/connection.ts';
import { writeOf } from './connection/write-state.ts';
import type { Context } from '../context/context.ts';
import { sendCursor } from './send-cursor.ts';
import { MAX_SEGMENTS, type Operation } from '../memory/operation.ts';
import { copyIn } from '../util/bytes.ts';

/** Bytes that one WSASend carries at most: the largest block. */
const MAX_SEND_BYTES = BLOCK_SIZES[LARGEST_CLASS] ?? 0;
/** What gather() returns when the first buffer to be sent has lost its bytes. */
export const DETACHED = -1;

/**
 * Fills the WSABUFs from the head of the queue. Returns their number; 0 means that there is no memory, and
 * DETACHED that there is nothing to submit.
 */
export function gather(context: Context, connection: Connection, operation: Operation): number {
  const cursor = sendCursor;
  cursor.begin(connection);
  let block: Block | null = null;
  let used = 0;
  let segments = 0;
  let segmentStart = 0;
  let bytes = 0;
  /** Bytes of the last segment, when it is of pinned memory, and where it ends. */
  let pinnedBytes = 0;
  let pinnedEnd = 0;
  // A file ends what goes out together: its turn comes when it is the first.
  while (cursor.request !== null && cursor.request.file === null && bytes < MAX_SEND_BYTES) {
    const available = cursor.available();
    if (available === 0) {
      if (bytes > 0) break; // first send what is in front of the detached buffer
      cursor.end();
      return DETACHED;
    }
    const pinnedAddress = context.pinned.addressOf(cursor.chunk, cursor.offset + available);
    if (pinnedAddress !== 0) {
      if (used > segmentStart) segmentStart = used; // the copied bytes before it have their segment
      const address = pinnedAddress + cursor.offset;
      const length = Math.min(available, MAX_SEND_BYTES - bytes);
      // What lies right behind the piece before it is one segment with it.
      if (address !== pinnedEnd) pinnedBytes = 0;
      if (pinnedBytes === 0 && segments === MAX_SEGMENTS) break;
      if (pinnedBytes === 0) segments++;
      pinnedBytes += length;
      pinnedEnd = address + length;
      context.operations.setSegment(operation, segments - 1, pinnedEnd - pinnedBytes, pinnedBytes);
      bytes += length;
      operation.lent = cursor.chunk; // one shows that there are some: all are kept by their requests
      cursor.move(length);
      continue;
    }
    if (block === null) {
      block = context.blocks.take(classFor(Math.min(connection.write.queuedBytes - bytes, MAX_SEND_BYTES)));
      operation.block = block;
      if (block === null) break;
    }
    const length = Math.min(available, block.size - used, MAX_SEND_BYTES - bytes);
    if (length === 0) break;
    const isNew = used === segmentStart;
    if (isNew && segments === MAX_SEGMENTS) break;
    if (!copyIn(block.bytes, used, cursor.chunk, cursor.offset, length)) {
      if (bytes > 0) break;
      cursor.end();
      return DETACHED;
    }
    if (isNew) segments++;
    pinnedEnd = 0;
    used += length;
    bytes += length;
    context.operations.setSegment(operation, segments - 1, block.address + segmentStart, used - segmentStart);
    cursor.move(length);
  }
  cursor.end();
  writeOf(connection).gathered(cursor.lastOrder);
  operation.requested = bytes;
  return bytes === 0 ? 0 : segments;
}
