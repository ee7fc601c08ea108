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
import { abandonOperation } from '../sockets/abandon.ts';
import { abort, settleClose } from '../sockets/closer.ts';
import { sendFin, settleEnd } from './shutdown.ts';
import type { Connection } from './connection/connection.ts';
import { captureOrigin, addRequest, type Context } from '../context/context.ts';
import { bufferDetached, outOfSlots, streamTruncated, systemError, writeAfterEnd } from '../util/errors.ts';
import { defer, sendDeferred } from './deferred-send.ts';
import { sendCursor } from './send-cursor.ts';
import { whyOver } from '../sockets/pending-call.ts';
import {
  answer,
  failWrites,
  hasCancelledWrite,
  hasWrites,
  isEmpty,
  detach,
  run,
  runEachSoon,
  take,
  takeFile,
  abortFile,
} from './write-queue.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import type { QueuedFile, WriteRequest, WritingCall } from './connection/requests.ts';
import { awaitDrain, failDrains, noticeDrains } from './drain.ts';
import { DETACHED, gather } from './send-gatherer.ts';
import { Stream, WriteEnd, writeOf } from './connection/write-state.ts';
import { answerSoon, refuse, whyNotQueued } from './write-refusal.ts';

/** Sends in a row that may succeed without taking a byte, before the connection counts as broken. */
const MAX_EMPTY_SENDS = 64;

/** Queues a write of `total` bytes, or a file with so many around it; starts at once when nothing is in flight. */
export function write(
  context: Context,
  connection: Connection,
  data: WriteData,
  total: number,
  file: QueuedFile | null,
  options: OperationOptions | null,
  callback: BytesCallback,
): OperationHandle {
  const call = file === null ? 'write' : 'sendFile';
  let request: WriteRequest | null = null;
  let name: OperationHandle;
  let over: NetworkError | null;
  let refusal: NetworkError | null = null;
  const isNothing = isEmpty({ total, file });
  let idle = false;
  let mustWait = false;
  let operation: Operation | null = null;
  try {
    request = context.requests.takeWrite(data, total, call, callback);
    request.origin = captureOrigin(context);
    name = context.pendingCalls.begin(request, connection, options);
    // Only now is the connection looked at: the caller's own code may have run in there.
    over = whyOver(request, connection) ?? whyEnded(call, connection);
    if (over === null) {
      refusal = whyNotQueued(context, connection, total);
      idle = refusal === null && connection.write.operation === null;
      mustWait = idle && !context.loop.maySendNow(connection, connection.read.answers());
      if (mustWait || (idle && !isNothing)) {
        operation = context.operations.take(OperationKind.Send, connection);
        if (operation === null && !isNothing) refusal = outOfSlots(context.options.maxOperations);
      }
    }
  } catch (error) {
    if (request !== null) context.requests.giveWrite(request);
    throw error;
  }
  if (refusal !== null) return refuse(context, connection, request, refusal);
  if (over !== null || (idle && operation === null)) return answerSoon(context, connection, request, over);
  request.file = file;
  const own = writeOf(connection);
  own.enqueue(request);
  context.queuedBytes += total;
  addRequest(context, connection);
  if (operation !== null) {
    own.begin(operation);
    if (mustWait) defer(context, connection, operation);
    else send(context, connection, operation);
  }
  return name;
}

/** What a write gets on a connection that sends no more. */
export function whyEnded(call: WritingCall, connection: Connection): NetworkError | null {
  const { end, stream } = connection.write;
  return end === WriteEnd.Open && stream === Stream.Whole ? null : endedWith(call, connection);
}

function endedWith(call: WritingCall, connection: Connection): NetworkError {
  return connection.write.end === WriteEnd.Open ? sendError(call, connection) : writeAfterEnd(call);
}

export function completeSend(context: Context, connection: Connection, operation: Operation): void {
  const wasDeferred = connection.write.isDeferred;
  if (wasDeferred) sendDeferred(context, connection, operation);
  const { bytes, requested } = operation;
  context.operations.giveBuffers(operation);
  context.counters.bytesSent += bytes;
  if (connection.write.file?.isAbandoned === true) detach(connection);
  const { file: sendingFile } = connection.write;
  if (!hasWrites(connection)) {
    // The requests were answered when the socket was reset, or the last of them had lost its buffer.
    release(context, connection, operation);
    if (connection.write.end !== WriteEnd.Open && !connection.resetting) sendFin(context, connection);
    settleClose(context, connection);
    return;
  }
  const own = writeOf(connection);
  const emptySends = own.sent(bytes, requested);
  // The queue and the slot are brought in order before any callback runs: a callback may write, close or throw.
  const done =
    sendingFile === null ? take(context, connection, bytes) : takeFile(context, connection, operation, sendingFile);
  const due = context.options.ticksBetweenCallbacks ? firstOf(context, connection, done, sendingFile) : done;
  const isOfFile = sendingFile !== null || connection.write.queue.first?.operation === 'sendFile';
  if (isOfFile && endsFile(context, connection, operation, sendingFile, done)) return;
  const { error } = operation; // after takeFile, which may have found that the error means nothing
  const broken = emptySends > MAX_EMPTY_SENDS ? WSAECONNRESET : error;
  // A write that was to be cancelled and got through nevertheless has truncated nothing.
  const truncated = own.aborted() && (error !== 0 || hasCancelledWrite(connection));
  const failure = truncated && broken === 0 ? ERROR_OPERATION_ABORTED : broken;
  if (failure !== 0) {
    endStream(context, connection, operation, failure, truncated);
  } else if (hasWrites(connection)) {
    context.operations.reset(operation);
    // Who had to wait and has more to send stands in line again, unless the system has no room: that is waited for.
    if (wasDeferred && bytes > 0 && bytes === requested) defer(context, connection, operation);
    else send(context, connection, operation);
  } else {
    release(context, connection, operation);
    if (connection.write.end !== WriteEnd.Open) sendFin(context, connection);
  }
  try {
    sendingFile?.report();
  } finally {
    noticeDrains(context, connection);
    run(context, connection, due);
    settleClose(context, connection);
  }
}

/** A send of a file, or of what follows it, has come back. Returns true when that was the end of it, but not a good one. */
function endsFile(
  context: Context,
  connection: Connection,
  operation: Operation,
  sendingFile: QueuedFile | null,
  done: WriteRequest | null,
): boolean {
  const firstWrite = connection.write.queue.first;
  if (done === null && firstWrite?.operation === 'sendFile' && firstWrite.cancellation !== null) {
    // To be cancelled, and this was not the last of it: the file, or the tail behind it, is truncated.
    if (firstWrite.file?.isUntouched === true) {
      firstWrite.file.fail(firstWrite.cancellation); // (unless TransmitFile was refused: then nothing has gone out)
    } else {
      release(context, connection, operation);
      abortFile(context, connection, firstWrite.cancellation);
    }
    return true;
  }
  if (!sendingFile?.failure) return false;
  sendingFile.fail(sendingFile.failure);
  return true;
}

/** A send has failed: what is queued is not sent any more. */
function endStream(
  context: Context,
  connection: Connection,
  operation: Operation,
  failure: number,
  truncated: boolean,
): void {
  const { syscall, thrown } = operation;
  release(context, connection, operation);
  // What was to be flushed is lost: a FIN would tell the peer that it has got everything.
  if (connection.closing) connection.resetting = true;
  // Whoever writes before being told must not write behind a hole.
  const cancelled = failure === ERROR_OPERATION_ABORTED;
  // Cancelled by nobody here: Windows may do that with another operation of the socket. How much has gone out is unknown.
  const code = cancelled && !truncated ? WSAECONNABORTED : failure;
  writeOf(connection).fail(code, syscall, thrown, cancelled);
  failWrites(context, connection, sendError);
  failDrains(context, connection, () => sendError('drain', connection));
  settleEnd(context, connection);
}

/**
 * With `ticksBetweenCallbacks`, the request whose callback this step is for; the others get steps of their own, before anything that
 * comes behind them is enqueued. With a file it is none of them: the step is for the callback of its progress.
 */
function firstOf(
  context: Context,
  connection: Connection,
  done: WriteRequest | null,
  file: QueuedFile | null,
): WriteRequest | null {
  if (file !== null || done === null) {
    runEachSoon(context, connection, done);
    return null;
  }
  const { next } = done;
  done.next = null;
  runEachSoon(context, connection, next);
  return done;
}

/** Waits until no more than so many bytes are queued. */
export function drain(
  context: Context,
  connection: Connection,
  lowWaterMark: number,
  options: OperationOptions | null,
  callback: BytesCallback,
): OperationHandle {
  return awaitDrain(context, connection, lowWaterMark, options, callback, whyBroken);
}

function whyBroken(connection: Connection): NetworkError | null {
  return connection.write.stream === Stream.Whole ? null : sendError('drain', connection);
}

/** What a write gets after a send has failed. */
function sendError(operation: WritingCall | 'drain', connection: Connection): NetworkError {
  const { failure, failureSyscall, failureCause, stream } = connection.write;
  if (stream === Stream.Truncated && failure === ERROR_OPERATION_ABORTED) return streamTruncated(operation);
  return systemError(operation, failureSyscall, failure, failureCause === null ? {} : { cause: failureCause });
}

export function send(context: Context, connection: Connection, operation: Operation): void {
  const firstWrite = connection.write.queue.first;
  if (firstWrite !== null && firstWrite.file !== null) {
    firstWrite.file.proceed(operation, firstWrite);
    return;
  }
  if (firstWrite !== null && isEmpty(firstWrite)) {
    // Nothing is submitted: an empty success carries the queue on.
    operation.requested = 0;
    context.loop.completeSynchronously(operation, 0, 0);
    return;
  }
  try {
    const segments = gather(context, connection, operation);
    if (segments > 0) context.transport.send(connection, operation, segments);
    else if (segments === DETACHED && firstWrite !== null) detached(context, connection, operation, firstWrite);
    else context.loop.completeSynchronously(operation, WSAENOBUFS, 0);
  } catch (error) {
    sendCursor.end();
    abandonOperation(context, connection, operation, error);
  }
}

/** A buffer in the queue has lost its bytes: it was detached, or its ArrayBuffer shrank. */
function detached(context: Context, connection: Connection, operation: Operation, request: WriteRequest): void {
  const { total, sent } = request;
  writeOf(connection).queue.shift();
  answer(context, connection, request, bufferDetached('write', total, sent));
  operation.requested = 0;
  // Nothing was submitted: an empty success carries the queue on.
  context.loop.completeSynchronously(operation, 0, 0);
  // The peer already has the first part of this message, and would take the next one for its rest.
  if (sent > 0) abort(context, connection);
}

function release(context: Context, connection: Connection, operation: Operation): void {
  writeOf(connection).finish()?.released();
  context.operations.release(operation);
}
