/**
 * Writing: a queue per connection and at most one WSASend in flight.
 *
 * What queues up behind a send goes out with the next one: small writes are copied into one block, buffers from
 * allocateBuffer() are sent from where they lie, and one WSASend gathers up to MAX_SEGMENTS of both. A request is
 * done when the kernel has taken its last byte. A send that came back short is resumed from the first byte not taken,
 * before anything behind it: on Windows that is rare, under Wine it happens when the peer half-closes.
 *
 * Sending one at a time is also what keeps bytes in flight bounded: one very large WSASend can fail with WSAENOBUFS.
 */
import { ERROR_OPERATION_ABORTED, WSAECONNABORTED, WSAECONNRESET, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { BytesCallback, WriteData } from '../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { abandonOperation } from './abandon.ts';
import { BoundCallback } from './async-context.ts';
import { BLOCK_SIZES, classFor, LARGEST_CLASS, type Block } from './block-pool.ts';
import { resetConnection, sendFin, settleClose } from './closer.ts';
import type { Connection } from './connection.ts';
import { callbackDue, captureOrigin, expectCallback, type Driver } from './driver.ts';
import {
  behindRefused,
  bufferDetached,
  connectionClosed,
  outOfSlots,
  queueFull,
  queuesFull,
  streamTorn,
  systemError,
  writeAfterEnd,
  writeTooLarge,
} from './errors.ts';
import { NO_OPERATION } from './pending-call.ts';
import { sendCursor } from './send-cursor.ts';
import { hasRevokedWrite } from './write-revocation.ts';
import { MAX_SEGMENTS, OperationKind, type Operation } from './operation.ts';
import { letGo, takeFile, tearFile } from './file-queue.ts';
import type { FileJob } from './file-sender.ts';
import type { WriteRequest, WritingCall } from './requests.ts';

/** Bytes that one WSASend carries at most: the largest block. */
const MAX_SEND_BYTES = BLOCK_SIZES[LARGEST_CLASS] ?? 0;
/** Sends in a row that may succeed without taking a byte, before the connection counts as broken. */
const MAX_EMPTY_SENDS = 64;
/** Up to this many bytes, a loop in JavaScript copies faster than a call into Node. */
const COPY_LOOP_LIMIT = 64;

/** Queues a write of `total` bytes, or a file with so many around it; starts at once when nothing is in flight. */
export function write(
  driver: Driver,
  connection: Connection,
  data: WriteData,
  total: number,
  file: FileJob | null,
  options: OperationOptions | null,
  callback: BytesCallback,
): OperationHandle {
  const call = file === null ? 'write' : 'sendFile';
  if (connection.sendEnded || connection.sendFailure !== 0) {
    const error = connection.sendEnded ? writeAfterEnd(call) : sendError(call, connection);
    return answerSoon(driver, connection, call, error, callback);
  }
  const why = whyNotQueued(driver, connection, total);
  if (why !== null) return refuse(driver, connection, call, why, callback);
  const idle = connection.sendOperation === null;
  if (idle && total === 0 && file === null) return answerSoon(driver, connection, call, null, callback);
  const operation = idle ? driver.operations.take(OperationKind.Send, connection) : null;
  if (idle && operation === null) {
    return refuse(driver, connection, call, outOfSlots(driver.options.maxOperations), callback);
  }
  let request: WriteRequest | null = null;
  let name: OperationHandle;
  try {
    request = driver.requests.takeWrite(data, total, call, callback);
    request.origin = captureOrigin(driver);
    name = driver.calls.begin(request, connection, options);
  } catch (error) {
    if (request !== null) driver.requests.giveWrite(request);
    if (operation !== null) driver.operations.release(operation);
    throw error;
  }
  request.file = file;
  if (connection.lastWrite === null) connection.firstWrite = request;
  else connection.lastWrite.next = request;
  request.previous = connection.lastWrite;
  connection.lastWrite = request;
  request.order = ++connection.writesQueued;
  connection.queuedBytes += total;
  driver.queuedBytes += total;
  expectCallback(driver, connection);
  if (operation !== null) {
    connection.sendOperation = operation;
    connection.inFlight++;
    send(driver, connection, operation);
  }
  return name;
}

/** Why a write of so many bytes is refused now, or null. Throws RangeError for one that always would be. */
function whyNotQueued(driver: Driver, connection: Connection, total: number): NetworkError | null {
  const { maxQueuedBytesPerSocket: limit, maxQueuedBytes } = driver.options;
  if (total > limit) throw writeTooLarge(total, limit, 'maxQueuedBytesPerSocket');
  if (total > maxQueuedBytes) throw writeTooLarge(total, maxQueuedBytes, 'maxQueuedBytes');
  if (connection.refusal !== null) return behindRefused(connection.refusal);
  if (connection.queuedBytes + total > limit) return queueFull(connection.queuedBytes, total, limit);
  if (driver.queuedBytes + total > maxQueuedBytes) return queuesFull(driver.queuedBytes, total, maxQueuedBytes);
  return null;
}

/** Refuses a write for want of room. Until its caller has been told, what is written behind it is refused as well. */
function refuse(
  driver: Driver,
  connection: Connection,
  call: WritingCall,
  error: NetworkError,
  callback: BytesCallback,
): OperationHandle {
  connection.refusals++;
  connection.refusal ??= error;
  return answerSoon(driver, connection, call, error, (failure, bytes) => {
    connection.refusals--;
    if (connection.refusals === 0) connection.refusal = null;
    callback(failure, bytes);
  });
}

/** Answers a write that is not queued, in a coming turn. */
function answerSoon(
  driver: Driver,
  connection: Connection,
  call: WritingCall,
  error: NetworkError | null,
  callback: BytesCallback,
): OperationHandle {
  const bound = new BoundCallback(call, callback);
  expectCallback(driver, connection);
  driver.loop.enqueue(() => {
    callbackDue(driver, connection);
    bound.finish(error, 0);
  });
  return NO_OPERATION;
}

/** A send came back. */
export function completeSend(driver: Driver, connection: Connection, operation: Operation): void {
  const { bytes, requested } = operation;
  if (operation.block !== null) driver.blocks.give(operation.block);
  operation.block = null;
  operation.lent = null;
  driver.counters.bytesSent += bytes;
  if (connection.sendingFile?.isAbandoned === true) letGo(connection);
  const { sendingFile } = connection;
  if (!hasWrites(connection)) {
    // The requests were answered when the socket was reset, or the last of them had lost its buffer.
    retire(driver, connection, operation);
    if (connection.sendEnded && !connection.closing) sendFin(driver, connection);
    settleClose(driver, connection);
    return;
  }
  connection.emptySends = bytes > 0 || requested === 0 ? 0 : connection.emptySends + 1;
  // The queue and the slot are brought in order before any callback runs: a callback may write, close or throw.
  const done =
    sendingFile === null ? take(driver, connection, bytes) : takeFile(driver, connection, operation, sendingFile);
  const { firstWrite } = connection;
  if (done === null && firstWrite?.operation === 'sendFile' && firstWrite.revoked !== null) {
    // To be taken back, and this was not the last of it: the file, or the tail behind it, is torn off.
    if (firstWrite.file?.isUntouched === true) {
      firstWrite.file.fail(firstWrite.revoked); // (unless TransmitFile was refused: then nothing has gone out)
      return;
    }
    retire(driver, connection, operation);
    tearFile(driver, connection, firstWrite.revoked);
    return;
  }
  if (sendingFile !== null && sendingFile.failure !== null) {
    sendingFile.fail(sendingFile.failure);
    return;
  }
  const { error, syscall } = operation; // after takeFile, which may have found that the error means nothing
  const broken = connection.emptySends > MAX_EMPTY_SENDS ? WSAECONNRESET : error;
  // A write that was to be taken back and got through all the same has torn nothing.
  const torn = connection.tearing && (error !== 0 || hasRevokedWrite(connection));
  connection.tearing = false;
  const failure = torn && broken === 0 ? ERROR_OPERATION_ABORTED : broken;
  if (failure !== 0) {
    const { thrown } = operation;
    retire(driver, connection, operation);
    // What was to be flushed is lost: a FIN would tell the peer that it has got everything.
    if (connection.closing) connection.resetting = true;
    // Whoever writes before being told must not write behind a hole.
    const cancelled = failure === ERROR_OPERATION_ABORTED;
    // Cancelled by nobody here: Windows may do that with another operation of the socket. How much has gone out is unknown.
    connection.sendFailure = cancelled && !torn ? WSAECONNABORTED : failure;
    connection.sendFailureSyscall = syscall;
    connection.sendFailureCause = thrown;
    if (cancelled) connection.torn = true;
    failWrites(driver, connection, sendError);
  } else if (hasWrites(connection)) {
    driver.operations.renew(operation);
    send(driver, connection, operation);
  } else {
    retire(driver, connection, operation);
    if (connection.sendEnded) sendFin(driver, connection);
  }
  try {
    sendingFile?.report();
  } finally {
    run(driver, connection, done);
    settleClose(driver, connection);
  }
}

/** What a write gets after a send has failed. */
function sendError(operation: WritingCall, connection: Connection): NetworkError {
  const { sendFailure, sendFailureSyscall, sendFailureCause, torn } = connection;
  if (torn && sendFailure === ERROR_OPERATION_ABORTED) return streamTorn(operation);
  const context = sendFailureCause === null ? {} : { cause: sendFailureCause };
  return systemError(operation, sendFailureSyscall, sendFailure, context);
}

function hasWrites(connection: Connection): boolean {
  return connection.firstWrite !== null;
}

/** Answers every queued write with an error, in order, in a coming turn. */
function failWrites(
  driver: Driver,
  connection: Connection,
  error: (operation: WritingCall, connection: Connection) => NetworkError,
): void {
  let request = connection.firstWrite;
  connection.firstWrite = null;
  connection.lastWrite = null;
  while (request !== null) {
    const { next } = request;
    answer(driver, connection, request, request.revoked ?? error(request.operation, connection));
    request = next;
  }
}

/** Answers every queued write because the socket was closed here. */
export function dropWrites(driver: Driver, connection: Connection): void {
  const { sendOperation: operation, firstWrite } = connection;
  if (operation?.isInKernel === true && firstWrite !== null) operation.lent = pinnedBuffers(driver, firstWrite);
  failWrites(driver, connection, connectionClosed);
}

/** The pinned buffers of a queue, which its requests keep reachable no longer, while the kernel may still send from them. */
function pinnedBuffers(driver: Driver, first: WriteRequest): readonly Uint8Array[] {
  const buffers: Uint8Array[] = [];
  for (let write: WriteRequest | null = first; write !== null; write = write.next)
    buffers.push(...(write.list ?? [write.chunk]));
  return buffers.filter((buffer) => driver.pinned.addressOf(buffer, buffer.length) !== 0);
}

export function answer(driver: Driver, connection: Connection, request: WriteRequest, error: NetworkError): void {
  const { callback, total, file } = request;
  connection.queuedBytes -= total - request.sent;
  driver.queuedBytes -= total - request.sent;
  const sent = request.sent + (file?.sent ?? 0);
  file?.abandon();
  driver.requests.giveWrite(request);
  driver.loop.enqueue(() => {
    callbackDue(driver, connection);
    callback.finish(error, sent);
  });
}

/**
 * Takes `bytes` sent bytes off the queue. Returns the requests that are done, linked, or null.
 */
function take(driver: Driver, connection: Connection, bytes: number): WriteRequest | null {
  connection.queuedBytes -= bytes;
  driver.queuedBytes -= bytes;
  const first = connection.firstWrite;
  let last: WriteRequest | null = null;
  let request = first;
  let left = bytes;
  // (An empty write has its turn when everything before it has gone.)
  while (request !== null && (left > 0 || isEmpty(request))) {
    const step = Math.min(left, request.total - request.sent);
    request.sent += step;
    left -= step;
    if (request.sent < request.total) {
      advance(request, step);
      break;
    }
    last = request;
    request = request.next;
  }
  if (last === null) return null;
  connection.firstWrite = request;
  if (request === null) connection.lastWrite = null;
  last.next = null;
  return first;
}

/** A write of nothing, which only keeps its place in the order. */
function isEmpty({ total, file }: WriteRequest): boolean {
  return total === 0 && file === null;
}

/** Takes the first request off the queue. */
export function unlinkFirst(connection: Connection): WriteRequest | null {
  const request = connection.firstWrite;
  if (request === null) return null;
  connection.firstWrite = request.next;
  if (request.next === null) connection.lastWrite = null;
  request.next = null;
  return request;
}

/** Moves a request's place in its list of buffers on by `bytes`. */
function advance(request: WriteRequest, bytes: number): void {
  let left = bytes;
  while (left >= request.size - request.offset) {
    left -= request.size - request.offset;
    if (!request.nextBuffer()) return;
  }
  request.offset += left;
}

/**
 * Runs the callbacks of requests that are done. They are in no queue any more, so when a callback throws the rest is
 * handed to the next turn.
 */
function run(driver: Driver, connection: Connection, done: WriteRequest | null): void {
  let request = done;
  let finished = false;
  try {
    while (request !== null) {
      const { callback, total, next } = request;
      driver.requests.giveWrite(request);
      request = next;
      callbackDue(driver, connection);
      callback.finish(null, total);
    }
    finished = true;
  } finally {
    if (!finished) runSoon(driver, connection, request);
  }
}

/** The same in a coming turn. */
export function runSoon(driver: Driver, connection: Connection, done: WriteRequest | null): void {
  driver.loop.enqueue(() => {
    run(driver, connection, done);
    settleClose(driver, connection);
  });
}

export function send(driver: Driver, connection: Connection, operation: Operation): void {
  const { firstWrite } = connection;
  if (firstWrite !== null && firstWrite.file !== null) {
    firstWrite.file.proceed(operation, firstWrite);
    return;
  }
  if (firstWrite !== null && isEmpty(firstWrite)) {
    // Nothing is submitted: an empty success carries the queue on.
    operation.requested = 0;
    driver.loop.finishInline(operation, 0, 0);
    return;
  }
  try {
    const segments = gather(driver, connection, operation);
    if (segments > 0) driver.transport.send(connection, operation, segments);
  } catch (error) {
    sendCursor.end();
    abandonOperation(driver, connection, operation, error);
  }
}

/**
 * Fills the WSABUFs from the head of the queue. Returns their number; 0 means that the operation was finished another
 * way (no memory, or a detached buffer) and must not be submitted.
 */
function gather(driver: Driver, connection: Connection, operation: Operation): number {
  const cursor = sendCursor;
  cursor.begin(connection);
  let block: Block | null = null;
  let used = 0;
  let segments = 0;
  let segmentStart = 0;
  let bytes = 0;
  // A file ends what goes out together: its turn comes when it is the first.
  while (cursor.request !== null && cursor.request.file === null && bytes < MAX_SEND_BYTES) {
    const available = cursor.available();
    if (available === 0) {
      if (bytes > 0) break; // first send what is in front of the detached buffer
      const { request } = cursor;
      cursor.end();
      detached(driver, connection, operation, request);
      return 0;
    }
    const pinnedAddress = driver.pinned.addressOf(cursor.chunk, cursor.offset + available);
    if (pinnedAddress !== 0) {
      if (used > segmentStart) segmentStart = used; // the copied bytes before it have their segment
      if (segments === MAX_SEGMENTS) break;
      const length = Math.min(available, MAX_SEND_BYTES - bytes);
      driver.operations.setSegment(operation, segments, pinnedAddress + cursor.offset, length);
      segments++;
      bytes += length;
      operation.lent = cursor.chunk; // one tells that there are some: all are kept by their requests
      cursor.move(length);
      continue;
    }
    if (block === null) {
      block = driver.blocks.take(classFor(Math.min(connection.queuedBytes - bytes, MAX_SEND_BYTES)));
      operation.block = block;
      if (block === null) break;
    }
    const length = Math.min(available, block.size - used, MAX_SEND_BYTES - bytes);
    if (length === 0) break;
    const isNew = used === segmentStart;
    if (isNew && segments === MAX_SEGMENTS) break;
    if (!copyIn(block, used, cursor.chunk, cursor.offset, length)) {
      if (bytes > 0) break;
      const { request } = cursor;
      cursor.end();
      detached(driver, connection, operation, request);
      return 0;
    }
    if (isNew) segments++;
    used += length;
    bytes += length;
    driver.operations.setSegment(operation, segments - 1, block.address + segmentStart, used - segmentStart);
    cursor.move(length);
  }
  cursor.end();
  connection.lastGathered = cursor.lastOrder;
  operation.requested = bytes;
  if (bytes === 0) {
    driver.loop.finishInline(operation, WSAENOBUFS, 0);
    return 0;
  }
  return segments;
}

/** A buffer in the queue has lost its bytes: it was detached, or its ArrayBuffer shrank. */
function detached(driver: Driver, connection: Connection, operation: Operation, request: WriteRequest): void {
  const { total, sent } = request;
  unlinkFirst(connection);
  answer(driver, connection, request, bufferDetached('write', total, sent));
  operation.requested = 0;
  // Nothing was submitted: an empty success carries the queue on.
  driver.loop.finishInline(operation, 0, 0);
  // The peer already has the first part of this message, and would take the next one for its rest.
  if (sent > 0) resetConnection(driver, connection);
}

/** Returns false when the source has lost its bytes between the look at it and the copy. */
function copyIn(block: Block, at: number, source: Uint8Array, offset: number, length: number): boolean {
  try {
    if (length <= COPY_LOOP_LIMIT) {
      const target = block.bytes;
      for (let index = 0; index < length; index++) target[at + index] = source[offset + index] ?? 0;
    } else if (length === source.length) {
      block.bytes.set(source, at);
    } else {
      block.bytes.set(source.subarray(offset, offset + length), at);
    }
    return true;
  } catch {
    return false;
  }
}

function retire(driver: Driver, connection: Connection, operation: Operation): void {
  letGo(connection);
  if (operation.block !== null) driver.blocks.give(operation.block);
  connection.sendOperation = null;
  connection.inFlight--;
  driver.operations.release(operation);
}
