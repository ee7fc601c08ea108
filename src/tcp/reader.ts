/**
 * Reading: at most one receive in flight per connection, posted only while somebody waits for it.
 *
 * What a receive waits in follows the peer:
 * - idle (nothing has come yet, or not for a while): no buffer at all, a zero-byte receive, which completes when there
 *   is something to receive. Ten thousand idle connections pin their slots only.
 * - busy: straight into a pinned block, one call per message. A receive that fills its block makes the next one larger,
 *   one that leaves most of it empty makes it smaller.
 * The bytes are copied to the user's buffer when the receive completes; a user's own pinned buffer is filled in place. A read that
 * lends receives into a block of memory/view-blocks.ts, which its callback sees until it returns.
 *
 * A user's buffer that lost its bytes meanwhile (detached) gets an error, and what was received for it goes to the next
 * read: the stream has no holes.
 */
import { Buffer } from 'node:buffer';
import { ERROR_OPERATION_ABORTED, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { BytesCallback, ViewCallback } from '../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { abandonOperation, causeOf } from '../sockets/abandon.ts';
import { BLOCK_SIZES, classFor, type Block } from '../memory/block-pool.ts';
import { settleClose } from '../sockets/closer.ts';
import type { Connection } from './connection/connection.ts';
import { IDLE } from './connection/read-state.ts';
import { removePendingCallback, captureOrigin, addPendingCallback, type Context } from '../context/context.ts';
import { copyOut } from '../util/bytes.ts';
import { bufferDetached, connectionClosed, outOfSlots, systemError } from '../util/errors.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import type { ReadRequest } from './connection/requests.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';

/** Largest block that a receive asks for: 64 KiB, beyond which a call costs nothing against the copy. */
const LARGEST_RECEIVE_CLASS = classFor(65536);
/** Most bytes of a view. */
const LARGEST_VIEW = 65536;
/** Block for a view at least: a message that comes in two pieces costs its reader a call and an event more. */
const SMALLEST_VIEW_CLASS = classFor(4096);
/** The view of those that get no bytes. */
const NO_VIEW = Buffer.alloc(0);

/** Queues a read into a buffer; posts the receive when none is posted. */
export function read(
  context: Context,
  connection: Connection,
  target: Uint8Array,
  maxBytes: number,
  options: OperationOptions | null,
  callback: BytesCallback,
): OperationHandle {
  return begin(context, connection, context.requests.takeRead(target, maxBytes, callback), options);
}

/** Queues a read whose callback is lent a view of what has come. */
export function readView(
  context: Context,
  connection: Connection,
  options: OperationOptions | null,
  callback: ViewCallback,
): OperationHandle {
  return begin(context, connection, context.requests.takeViewRead(LARGEST_VIEW, callback), options);
}

function begin(
  context: Context,
  connection: Connection,
  request: ReadRequest,
  options: OperationOptions | null,
): OperationHandle {
  let name: OperationHandle;
  let why: NetworkError | null;
  let operation: Operation | null = null;
  try {
    request.origin = captureOrigin(context);
    name = context.pendingCalls.begin(request, connection, options);
    // Only now is the connection looked at: the caller's own code may have run in there.
    why = whyOver(request, connection);
    const { read } = connection;
    const served = read.ended || read.unread !== null;
    if (why === null && !served && read.length === 0 && read.operation === null) {
      operation = context.operations.take(OperationKind.Receive, connection);
      if (operation === null) why = outOfSlots(context.options.maxOperations);
    }
  } catch (error) {
    context.requests.giveRead(request);
    throw error;
  }
  if (why !== null) {
    addPendingCallback(context, connection);
    answerRead(context, connection, request, why);
    return NO_OPERATION;
  }
  connection.read.push(request);
  addPendingCallback(context, connection);
  if (operation === null) {
    serveWithout(context, connection);
  } else {
    connection.read.begin(operation);
    post(context, connection, operation, request);
  }
  return name;
}

/** A read that has been queued without a receive of its own. */
function serveWithout(context: Context, connection: Connection): void {
  if (connection.read.unread !== null) {
    serveUnreadSoon(context, connection);
  } else if (connection.read.ended && connection.read.operation === null) {
    // (What a receive still brings is the oldest reader's; its end answers the others.)
    endReads(context, connection);
  }
}

/** Takes a read back. What has been received for it is its own; what has not goes to the next read. */
export function cancelRead(
  context: Context,
  connection: Connection,
  request: ReadRequest,
  error: NetworkError,
): boolean {
  if (request === connection.read.first) {
    const operation = connection.read.operation;
    if (operation?.isInKernel !== true) return false; // its outcome waits to be delivered
    request.cancellation = error;
    context.transport.cancelOperation(connection, operation);
    return true;
  }
  connection.read.remove(request);
  answerRead(context, connection, request, error);
  return true;
}

export function completeReceive(context: Context, connection: Connection, operation: Operation): void {
  const { bytes, error } = operation;
  const request = connection.read.first;
  if (request === null || connection.closing) {
    // Nobody waits any more: the reads were answered when the socket was closed or its receiving side shut down.
    release(context, connection, operation);
    settleClose(context, connection);
    return;
  }
  if (connection.read.ended && (error !== 0 || bytes === 0)) {
    // shutdown('receive') cancelled it. (Bytes that won the race are still the oldest reader's.)
    release(context, connection, operation);
    endReads(context, connection);
    return;
  }
  const wasReclaimed = connection.read.cameBack(bytes);
  if (error === 0) connection.unaskedCancels = 0;
  const hasNothing = error !== 0 || operation.requested === 0;
  if (hasNothing && completeNothing(context, connection, operation, request, wasReclaimed)) return;
  const failure =
    error === 0
      ? deliver(context, connection, operation, request)
      : systemError('read', 'WSARecv', error, causeOf(operation));
  if (error === 0 && bytes === 0) connection.read.peerEnds();
  finishRead(context, connection, operation, request, failure, failure === null ? bytes : 0);
}

/** A receive has come back that has received nothing. Returns false when that is an error of the connection's. */
function completeNothing(
  context: Context,
  connection: Connection,
  operation: Operation,
  request: ReadRequest,
  wasReclaimed: boolean,
): boolean {
  const { error } = operation;
  const { cancellation } = request;
  if (cancellation !== null && (error === ERROR_OPERATION_ABORTED || error === 0)) {
    // Nothing was received. (A zero-byte receive that found something has taken none of it.)
    if (error === 0) connection.read.useClass(0);
    else if (wasReclaimed) connection.read.useClass(IDLE);
    finishRead(context, connection, operation, request, cancellation, 0);
    return true;
  }
  if (error === 0) {
    // The zero-byte receive: there is something to receive now.
    connection.read.useClass(0);
    repost(context, connection, operation, request);
    return true;
  }
  if (error === ERROR_OPERATION_ABORTED && (wasReclaimed || mayPostAgain(connection))) {
    // Cancelled to take its buffer back; or Windows has cancelled it with another operation of its socket. Nothing was received.
    if (wasReclaimed) connection.read.useClass(IDLE);
    repost(context, connection, operation, request);
    return true;
  }
  return false;
}

/** The head of the queue has its outcome: the receive goes on for the next read, and the callback runs. */
function finishRead(
  context: Context,
  connection: Connection,
  operation: Operation,
  request: ReadRequest,
  failure: NetworkError | null,
  bytes: number,
): void {
  const { read } = connection;
  read.shift();
  const { callback, viewCallback } = request;
  context.requests.giveRead(request);
  const lent = viewCallback !== null && bytes > 0 ? takeView(operation) : null;
  const { first } = read;
  if (first === null) release(context, connection, operation);
  else goOnWith(context, connection, operation, first);
  removePendingCallback(context, connection);
  if (viewCallback === null) callback.finishTwo(failure, bytes);
  else if (lent === null) viewCallback.finishTwo(failure, NO_VIEW);
  else lend(context, viewCallback, lent, bytes);
}

/** The receive has come back, and the next read waits. */
function goOnWith(context: Context, connection: Connection, operation: Operation, next: ReadRequest): void {
  const { unread, ended } = connection.read;
  if (unread === null && !ended) return repost(context, connection, operation, next);
  release(context, connection, operation);
  if (unread !== null) serveUnreadSoon(context, connection);
  else endReads(context, connection);
}

/** Takes the block with what was received away from its operation, which goes on without it. */
function takeView(operation: Operation): Block | null {
  const { block } = operation;
  operation.block = null;
  operation.lent = null;
  return block;
}

/** The block is the callback's until that returns. */
function lend(context: Context, callback: NonNullable<ReadRequest['viewCallback']>, block: Block, bytes: number): void {
  try {
    callback.finishTwo(null, block.bytes.subarray(0, bytes));
  } finally {
    context.blocks.give(block);
  }
}

/** Answers every waiting read, in order, in a coming turn; a receive that is posted comes back to nobody. */
export function failReads(context: Context, connection: Connection): void {
  dropUnread(context, connection);
  answerReads(context, connection, () => connectionClosed('read'));
}

/** Answers every waiting read with 0 bytes, the end of the stream. */
export function endReads(context: Context, connection: Connection): void {
  answerReads(context, connection, () => null);
}

function answerReads(context: Context, connection: Connection, outcome: () => NetworkError | null): void {
  for (let request = connection.read.shift(); request !== null; request = connection.read.shift()) {
    answerRead(context, connection, request, outcome());
  }
}

/** Answers a read that is in no queue any more, in a coming turn. */
function answerRead(
  context: Context,
  connection: Connection,
  request: ReadRequest,
  outcome: NetworkError | null,
): void {
  const { callback, viewCallback } = request;
  context.requests.giveRead(request);
  context.loop.enqueue(() => {
    removePendingCallback(context, connection);
    if (viewCallback === null) callback.finishTwo(outcome, 0);
    else viewCallback.finishTwo(outcome, NO_VIEW);
  });
}

function serveUnreadSoon(context: Context, connection: Connection): void {
  context.loop.enqueue(() => serveUnread(context, connection));
}

/** Gives the oldest read what was received for a buffer that had gone, and then goes on as usual. */
function serveUnread(context: Context, connection: Connection): void {
  const waiting = connection.read;
  const { unread, first: request } = waiting;
  if (unread === null || request === null || connection.closing) return;
  const count = Math.min(unread.end - unread.start, request.maxBytes);
  const { callback, viewCallback, target } = request;
  const view = viewCallback === null ? null : context.viewBlocks.take(classFor(count));
  const fits = copyOut(unread.block.bytes, unread.start, view?.bytes ?? target, count);
  if (fits) unreadTaken(context, connection, count);
  waiting.shift();
  context.requests.giveRead(request);
  if (waiting.first !== null) goOn(context, connection, waiting.first);
  removePendingCallback(context, connection);
  if (viewCallback !== null && view !== null) lend(context, viewCallback, view, count);
  else if (viewCallback !== null) viewCallback.finishTwo(systemError('read', 'WSARecv', WSAENOBUFS), NO_VIEW);
  else if (fits) callback.finishTwo(null, count);
  else callback.finishTwo(bufferDetached('read', count, target.byteLength), 0);
}

/** The readiness calls' way to the same bytes. Returns how many there were. */
export function takeUnread(context: Context, connection: Connection, target: Uint8Array): number {
  const { unread } = connection.read;
  if (unread === null) return 0;
  const count = Math.min(unread.end - unread.start, target.byteLength);
  unread.block.bytes.copy(target, 0, unread.start, unread.start + count);
  unreadTaken(context, connection, count);
  return count;
}

function unreadTaken(context: Context, connection: Connection, count: number): void {
  const { unread } = connection.read;
  if (unread === null) return;
  unread.start += count;
  if (unread.start === unread.end) dropUnread(context, connection);
}

function goOn(context: Context, connection: Connection, next: ReadRequest): void {
  if (connection.read.unread !== null) {
    serveUnreadSoon(context, connection);
  } else if (connection.read.ended) {
    endReads(context, connection);
  } else {
    const operation = context.operations.take(OperationKind.Receive, connection);
    if (operation === null) {
      answerReads(context, connection, () => outOfSlots(context.options.maxOperations));
      return;
    }
    connection.read.begin(operation);
    post(context, connection, operation, next);
  }
}

function dropUnread(context: Context, connection: Connection): void {
  const block = connection.read.dropUnread();
  if (block !== null) context.blocks.give(block);
}

function repost(context: Context, connection: Connection, operation: Operation, request: ReadRequest): void {
  context.operations.giveBuffers(operation);
  context.operations.reset(operation);
  post(context, connection, operation, request);
}

function post(context: Context, connection: Connection, operation: Operation, request: ReadRequest): void {
  try {
    start(context, connection, operation, request);
  } catch (error) {
    abandonOperation(context, connection, operation, error);
  }
}

function start(context: Context, connection: Connection, operation: Operation, request: ReadRequest): void {
  const pinnedAddress = context.pinned.addressOf(request.target, request.maxBytes);
  let address = 0;
  let length = 0;
  if (pinnedAddress !== 0) {
    operation.lent = request.target;
    address = pinnedAddress;
    length = request.maxBytes;
  } else if (connection.read.blockClass !== IDLE) {
    const isView = request.viewCallback !== null && context.viewBlocks.lends;
    const blocks = isView ? context.viewBlocks : context.blocks;
    const block = blocks.take(classOf(connection, request));
    operation.block = block;
    if (isView) operation.lent = block?.bytes ?? null; // V8 owns it, and must not take it away
    if (block === null) {
      context.loop.completeSynchronously(operation, WSAENOBUFS, 0);
      return;
    }
    address = block.address;
    length = Math.min(block.size, request.maxBytes);
    connection.read.takesBlock();
    context.idleSweep.watch();
  }
  operation.requested = length;
  context.operations.setSegment(operation, 0, address, length);
  context.transport.receive(connection, operation);
}

function classOf(connection: Connection, request: ReadRequest): number {
  const { blockClass } = connection.read;
  if (request.viewCallback !== null) return Math.max(blockClass, SMALLEST_VIEW_CLASS);
  return Math.min(blockClass, classFor(request.maxBytes));
}

/**
 * Copies what arrived to the reader. When the reader's buffer has gone meanwhile, returns the error and keeps the bytes
 * for the next reader.
 */
function deliver(
  context: Context,
  connection: Connection,
  operation: Operation,
  request: ReadRequest,
): NetworkError | null {
  const { block, bytes } = operation;
  context.counters.bytesReceived += bytes;
  if (block === null) return null;
  adapt(connection, block, bytes);
  const { target } = request;
  if (request.viewCallback !== null) return bytes === 0 ? null : showable(context, connection, operation, block);
  if (copyOut(block.bytes, 0, target, bytes)) return null;
  connection.read.keep(block, bytes);
  operation.block = null;
  return bufferDetached('read', bytes, target.byteLength);
}

/**
 * Sees to it that what was received lies in a block that a callback may be shown. Where the kernel cannot be lent one, the bytes
 * are copied to it; without memory for it they are the next reader's.
 */
function showable(context: Context, connection: Connection, operation: Operation, block: Block): NetworkError | null {
  const { bytes } = operation;
  if (block.home === context.viewBlocks) return null;
  const shown = context.viewBlocks.take(classFor(bytes));
  if (shown === null) {
    connection.read.keep(block, bytes);
    operation.block = null;
    return systemError('read', 'WSARecv', WSAENOBUFS);
  }
  block.bytes.copy(shown.bytes, 0, 0, bytes);
  context.blocks.give(block);
  operation.block = shown;
  return null;
}

/** Lets the size of the next receive follow the size of this one. */
function adapt(connection: Connection, block: Block, bytes: number): void {
  if (bytes === block.size && connection.read.blockClass < LARGEST_RECEIVE_CLASS) {
    connection.read.useClass(block.sizeClass + 1);
  } else if (block.sizeClass > 0 && bytes <= (BLOCK_SIZES[block.sizeClass - 1] ?? 0) / 2) {
    connection.read.useClass(block.sizeClass - 1);
  }
}

function release(context: Context, connection: Connection, operation: Operation): void {
  connection.read.finish();
  context.operations.release(operation);
}
