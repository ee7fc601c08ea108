/**
 * The queue of a connection's writes: what leaves it, in which order, and who is notified. writer.ts sends from its head.
 *
 * A request leaves the queue before its callback is called, so a callback may write, close or throw.
 */
import { removeRequest, type Context } from '../context/context.ts';
import type { Operation } from '../memory/operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { abort, settleClose } from '../sockets/closer.ts';
import { connectionClosed } from '../util/errors.ts';
import { noticeDrains } from './drain.ts';
import type { Connection } from './connection/connection.ts';
import { Stream, writeOf } from './connection/write-state.ts';
import type { QueuedFile, WriteRequest, WritingCall } from './connection/requests.ts';

export function hasWrites(connection: Connection): boolean {
  return connection.write.queue.length > 0;
}

/** A write that is to be taken back is still in the queue. */
export function hasCancelledWrite(connection: Connection): boolean {
  for (const { cancellation } of connection.write.queue) if (cancellation !== null) return true;
  return false;
}

/** A write of nothing, which only keeps its place in the order. */
export function isEmpty(write: Pick<WriteRequest, 'total' | 'file'>): boolean {
  return write.total === 0 && write.file === null;
}

/**
 * Takes `bytes` sent bytes off the queue. Returns the requests that are done, linked, or null.
 */
export function take(context: Context, connection: Connection, bytes: number): WriteRequest | null {
  const own = writeOf(connection);
  own.dequeueBytes(bytes);
  context.queuedBytes -= bytes;
  const { queue } = own;
  let first: WriteRequest | null = null;
  let last: WriteRequest | null = null;
  let left = bytes;
  // (An empty write has its turn when everything before it has gone.)
  for (let request = queue.first; request !== null && (left > 0 || isEmpty(request)); request = queue.first) {
    const step = Math.min(left, request.total - request.sent);
    request.sent += step;
    left -= step;
    if (request.sent < request.total) {
      advance(request, step);
      break;
    }
    queue.shift();
    if (last === null) first = request;
    else last.next = request;
    last = request;
  }
  return first;
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

/** Accounts for a send of the file at the head of the queue. Returns its request when that is done, off the queue. */
export function takeFile(
  context: Context,
  connection: Connection,
  operation: Operation,
  file: QueuedFile,
): WriteRequest | null {
  const request = connection.write.queue.first;
  if (request === null) return null;
  const ofHead = file.take(operation, request);
  request.sent += ofHead;
  writeOf(connection).dequeueBytes(ofHead);
  context.queuedBytes -= ofHead;
  return file.isSent && file.failure === null ? finishFile(connection, request, file) : null;
}

/**
 * The last byte of the file is sent: from here on the request is an ordinary write of what follows it. Returns it when
 * nothing does, off the queue.
 */
export function finishFile(connection: Connection, request: WriteRequest, file: QueuedFile): WriteRequest | null {
  const { head, tail, length } = file;
  request.file = null;
  if (length === 0) request.setBuffers(head, [head, tail]);
  else request.setBuffers(tail, null);
  request.total += length;
  request.sent += length;
  const own = writeOf(connection);
  own.leaveFile();
  file.done();
  return request.sent === request.total ? own.queue.shift() : null;
}

/** Parts the send operation from the file that it has been working on. */
export function detach(connection: Connection): void {
  writeOf(connection).leaveFile()?.released();
}

export function answer(context: Context, connection: Connection, request: WriteRequest, error: NetworkError): void {
  const { callback, total, file } = request;
  writeOf(connection).dequeueBytes(total - request.sent);
  context.queuedBytes -= total - request.sent;
  const sent = request.sent + (file?.sent ?? 0);
  file?.abandon();
  context.requests.giveWrite(request);
  context.loop.enqueue(() => {
    removeRequest(context, connection);
    callback.finishTwo(error, sent);
  });
  // (A stream that has failed is nobody's idea of a short queue.)
  if (connection.write.stream === Stream.Whole) noticeDrains(context, connection);
}

/** Answers every queued write with an error, in order, in a coming turn. */
export function failWrites(
  context: Context,
  connection: Connection,
  error: (operation: WritingCall, connection: Connection) => NetworkError,
): void {
  if (!hasWrites(connection)) return;
  const { queue } = writeOf(connection);
  for (let request = queue.shift(); request !== null; request = queue.shift()) {
    answer(context, connection, request, request.cancellation ?? error(request.operation, connection));
  }
}

/** Answers every queued write because the socket was closed here. */
export function dropWrites(context: Context, connection: Connection): void {
  const { operation, queue } = connection.write;
  if (operation?.isInKernel === true && queue.length > 0) operation.lent = pinnedBuffers(context, queue);
  failWrites(context, connection, connectionClosed);
}

/** The pinned buffers of a queue, which its requests keep reachable no longer, while the kernel may still send from them. */
function pinnedBuffers(context: Context, writes: Iterable<WriteRequest>): readonly Uint8Array[] {
  const buffers = Array.from(writes, ({ list, chunk }) => list ?? [chunk]).flat();
  return buffers.filter((buffer) => context.pinned.addressOf(buffer, buffer.byteLength) !== 0);
}

/** A file of which nothing was sent cannot be: the queue goes on without it. */
export function refuseFile(context: Context, connection: Connection, error: NetworkError): void {
  const request = writeOf(connection).queue.shift();
  if (request !== null) answer(context, connection, request, error);
}

/** A file of which a part was sent cannot be finished. The peer would take the next bytes for its rest. */
export function abortFile(context: Context, connection: Connection, error: NetworkError): void {
  refuseFile(context, connection, error);
  abort(context, connection);
}

/**
 * Runs the callbacks of requests that are done. They are in no queue any more, so when a callback throws the rest is
 * handed to the next turn.
 */
export function run(context: Context, connection: Connection, done: WriteRequest | null): void {
  if (done === null) return;
  if (done.next === null) succeed(context, connection, done);
  else runEach(context, connection, done);
}

function runEach(context: Context, connection: Connection, done: WriteRequest): void {
  let request: WriteRequest | null = done;
  let finished = false;
  try {
    while (request !== null) {
      const succeeded: WriteRequest = request;
      request = request.next;
      succeed(context, connection, succeeded);
    }
    finished = true;
  } finally {
    if (!finished) runSoon(context, connection, request);
  }
}

function succeed(context: Context, connection: Connection, request: WriteRequest): void {
  const { callback, total } = request;
  context.requests.giveWrite(request);
  removeRequest(context, connection);
  callback.finishTwo(null, total);
}

/** The same with `ticksBetweenCallbacks`: each of them in a coming step of its own. */
export function runEachSoon(context: Context, connection: Connection, done: WriteRequest | null): void {
  let request = done;
  while (request !== null) {
    const { next } = request;
    request.next = null;
    runSoon(context, connection, request);
    request = next;
  }
}

export function runSoon(context: Context, connection: Connection, done: WriteRequest | null): void {
  context.loop.enqueue(() => {
    run(context, connection, done);
    settleClose(context, connection);
  });
}
