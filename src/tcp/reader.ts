/**
 * Reading: at most one receive in flight per connection, posted only while somebody waits for it.
 *
 * What a receive waits in follows the peer:
 * - quiet (nothing has come yet, or not for a while): no buffer at all, a zero-byte receive, which completes when there
 *   is something to receive. Ten thousand silent connections pin their contexts only.
 * - busy: straight into a pinned block, one call per message. A receive that fills its block makes the next one larger,
 *   one that leaves most of it empty makes it smaller.
 * The bytes are copied to the user's buffer when the receive completes; a user's own pinned buffer is filled in place.
 *
 * A user's buffer that lost its bytes meanwhile (detached) gets an error, and what was received for it goes to the next
 * read: the stream has no holes.
 */
import { ERROR_OPERATION_ABORTED, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { BytesCallback } from '../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { abandonOperation, causeOf } from '../sockets/abandon.ts';
import { BLOCK_SIZES, classFor, type Block } from '../memory/block-pool.ts';
import { settleClose } from '../sockets/closer.ts';
import type { Connection } from './connection.ts';
import { QUIET } from './read-state.ts';
import { callbackDue, captureOrigin, expectCallback, type Driver } from '../context/context.ts';
import { bufferDetached, connectionClosed, outOfSlots, systemError } from '../util/errors.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import type { ReadRequest } from './requests.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';

/** Largest block that a receive asks for: 64 KiB, beyond which a call costs nothing against the copy. */
const LARGEST_RECEIVE_CLASS = classFor(65536);
/** Up to this many bytes, a loop in JavaScript copies faster than a call into Node. */
const COPY_LOOP_LIMIT = 64;

/** Queues a read; posts the receive when none is posted. */
export function read(
  driver: Driver,
  connection: Connection,
  target: Uint8Array,
  maxBytes: number,
  options: OperationOptions | null,
  callback: BytesCallback,
): OperationHandle {
  let request: ReadRequest | null = null;
  let name: OperationHandle;
  let why: NetworkError | null;
  let operation: Operation | null = null;
  try {
    request = driver.requests.takeRead(target, maxBytes, callback);
    request.origin = captureOrigin(driver);
    name = driver.calls.begin(request, connection, options);
    // Only now is the connection looked at: the caller's own code may have run in there.
    why = whyOver(request, connection);
    const served = connection.read.ended || connection.read.leftover !== null;
    if (why === null && !served && connection.read.queue.length === 0 && connection.read.operation === null) {
      operation = driver.operations.take(OperationKind.Receive, connection);
      if (operation === null) why = outOfSlots(driver.options.maxOperations);
    }
  } catch (error) {
    if (request !== null) driver.requests.giveRead(request);
    throw error;
  }
  if (why !== null) {
    expectCallback(driver, connection);
    answerRead(driver, connection, request, why);
    return NO_OPERATION;
  }
  connection.read.queue.push(request);
  expectCallback(driver, connection);
  if (operation !== null) {
    connection.read.begin(operation);
    post(driver, connection, operation, request);
  } else if (connection.read.leftover !== null) {
    serveLeftoverSoon(driver, connection);
  } else if (connection.read.ended && connection.read.operation === null) {
    // (What a receive still brings is the oldest reader's; its end answers the others.)
    endReads(driver, connection);
  }
  return name;
}

/** Takes a read back. What has been received for it is its own; what has not goes to the next read. */
export function revokeRead(driver: Driver, connection: Connection, request: ReadRequest, error: NetworkError): boolean {
  if (request === connection.read.queue.first) {
    const operation = connection.read.operation;
    if (operation?.isInKernel !== true) return false; // its outcome waits to be delivered
    request.revoked = error;
    driver.transport.cancelOperation(connection, operation);
    return true;
  }
  connection.read.queue.remove(request);
  answerRead(driver, connection, request, error);
  return true;
}

/** A receive came back. */
export function completeReceive(driver: Driver, connection: Connection, operation: Operation): void {
  const { bytes, error } = operation;
  const request = connection.read.queue.first;
  if (request === null || connection.closing) {
    // Nobody waits any more: the reads were answered when the socket was closed or its receiving side shut down.
    retire(driver, connection, operation);
    settleClose(driver, connection);
    return;
  }
  if (connection.read.ended && (error !== 0 || bytes === 0)) {
    // shutdown('receive') cancelled it. (Bytes that won the race are still the oldest reader's.)
    retire(driver, connection, operation);
    endReads(driver, connection);
    return;
  }
  const wasQuieted = connection.read.wasQuieted();
  if (error === 0) connection.unaskedCancels = 0;
  const { revoked } = request;
  if (revoked !== null && (error === ERROR_OPERATION_ABORTED || (error === 0 && operation.requested === 0))) {
    // Nothing was received. (A zero-byte receive that found something has taken none of it.)
    if (error === 0) connection.read.useClass(0);
    else if (wasQuieted) connection.read.useClass(QUIET);
    finishRead(driver, connection, operation, request, revoked, 0);
    return;
  }
  if (error === 0 && operation.requested === 0) {
    // The zero-byte receive: there is something to receive now.
    connection.read.useClass(0);
    repost(driver, connection, operation, request);
    return;
  }
  if (error === ERROR_OPERATION_ABORTED && (wasQuieted || mayPostAgain(connection))) {
    // Cancelled to make it quiet; or Windows has cancelled it with another operation of its socket. Nothing was received.
    if (wasQuieted) connection.read.useClass(QUIET);
    repost(driver, connection, operation, request);
    return;
  }
  const failure =
    error === 0
      ? deliver(driver, connection, operation, request)
      : systemError('read', 'WSARecv', error, causeOf(operation));
  if (error === 0 && bytes === 0) connection.read.peerEnds();
  finishRead(driver, connection, operation, request, failure, failure === null ? bytes : 0);
}

/** The head of the queue has its outcome: the receive goes on for the next read, and the callback runs. */
function finishRead(
  driver: Driver,
  connection: Connection,
  operation: Operation,
  request: ReadRequest,
  failure: NetworkError | null,
  bytes: number,
): void {
  connection.read.queue.shift();
  const { callback } = request;
  driver.requests.giveRead(request);
  if (connection.read.leftover !== null) {
    retire(driver, connection, operation);
    serveLeftoverSoon(driver, connection);
  } else if (connection.read.ended) {
    retire(driver, connection, operation);
    endReads(driver, connection);
  } else if (connection.read.queue.first !== null) {
    repost(driver, connection, operation, connection.read.queue.first);
  } else {
    retire(driver, connection, operation);
  }
  callbackDue(driver, connection);
  callback.finish(failure, bytes);
}

/** Answers every waiting read, in order, in a coming turn; a receive that is posted comes back to nobody. */
export function failReads(driver: Driver, connection: Connection): void {
  dropLeftover(driver, connection);
  answerReads(driver, connection, () => connectionClosed('read'));
}

/** Answers every waiting read with 0 bytes, the end of the stream. */
export function endReads(driver: Driver, connection: Connection): void {
  answerReads(driver, connection, () => null);
}

function answerReads(driver: Driver, connection: Connection, outcome: () => NetworkError | null): void {
  for (let request = connection.read.queue.shift(); request !== null; request = connection.read.queue.shift()) {
    answerRead(driver, connection, request, outcome());
  }
}

/** Answers a read that is in no queue any more, in a coming turn. */
function answerRead(driver: Driver, connection: Connection, request: ReadRequest, outcome: NetworkError | null): void {
  const { callback } = request;
  driver.requests.giveRead(request);
  driver.loop.enqueue(() => {
    callbackDue(driver, connection);
    callback.finish(outcome, 0);
  });
}

function serveLeftoverSoon(driver: Driver, connection: Connection): void {
  driver.loop.enqueue(() => serveLeftover(driver, connection));
}

/** Gives the oldest read what was received for a buffer that had gone, and then goes on as usual. */
function serveLeftover(driver: Driver, connection: Connection): void {
  const { leftover, queue } = connection.read;
  const request = queue.first;
  if (leftover === null || request === null || connection.closing) return;
  const count = Math.min(leftover.end - leftover.start, request.maxBytes);
  const fits = copyOut(leftover.block, leftover.start, request.target, count);
  if (fits) leftoverTaken(driver, connection, count);
  queue.shift();
  const { callback, target } = request;
  driver.requests.giveRead(request);
  if (queue.first !== null) goOn(driver, connection, queue.first);
  callbackDue(driver, connection);
  if (fits) callback.finish(null, count);
  else callback.finish(bufferDetached('read', count, target.byteLength), 0);
}

/** The readiness face's way to the same bytes. Returns how many there were. */
export function takeLeftover(driver: Driver, connection: Connection, target: Uint8Array): number {
  const { leftover } = connection.read;
  if (leftover === null) return 0;
  const count = Math.min(leftover.end - leftover.start, target.byteLength);
  leftover.block.bytes.copy(target, 0, leftover.start, leftover.start + count);
  leftoverTaken(driver, connection, count);
  return count;
}

function leftoverTaken(driver: Driver, connection: Connection, count: number): void {
  const { leftover } = connection.read;
  if (leftover === null) return;
  leftover.start += count;
  if (leftover.start === leftover.end) dropLeftover(driver, connection);
}

function goOn(driver: Driver, connection: Connection, next: ReadRequest): void {
  if (connection.read.leftover !== null) {
    serveLeftoverSoon(driver, connection);
  } else if (connection.read.ended) {
    endReads(driver, connection);
  } else {
    const operation = driver.operations.take(OperationKind.Receive, connection);
    if (operation === null) {
      answerReads(driver, connection, () => outOfSlots(driver.options.maxOperations));
      return;
    }
    connection.read.begin(operation);
    post(driver, connection, operation, next);
  }
}

function dropLeftover(driver: Driver, connection: Connection): void {
  const block = connection.read.dropLeftover();
  if (block !== null) driver.blocks.give(block);
}

function repost(driver: Driver, connection: Connection, operation: Operation, request: ReadRequest): void {
  driver.operations.giveBuffers(operation);
  driver.operations.renew(operation);
  post(driver, connection, operation, request);
}

function post(driver: Driver, connection: Connection, operation: Operation, request: ReadRequest): void {
  try {
    start(driver, connection, operation, request);
  } catch (error) {
    abandonOperation(driver, connection, operation, error);
  }
}

function start(driver: Driver, connection: Connection, operation: Operation, request: ReadRequest): void {
  const pinnedAddress = driver.pinned.addressOf(request.target, request.maxBytes);
  let address = 0;
  let length = 0;
  if (pinnedAddress !== 0) {
    operation.lent = request.target;
    address = pinnedAddress;
    length = request.maxBytes;
  } else if (connection.read.blockClass !== QUIET) {
    const block = driver.blocks.take(Math.min(connection.read.blockClass, classFor(request.maxBytes)));
    operation.block = block;
    if (block === null) {
      driver.loop.finishInline(operation, WSAENOBUFS, 0);
      return;
    }
    address = block.address;
    length = Math.min(block.size, request.maxBytes);
    connection.read.takesBlock();
    driver.quiet.watch();
  }
  operation.requested = length;
  driver.operations.setSegment(operation, 0, address, length);
  driver.transport.receive(connection, operation);
}

/**
 * Copies what arrived to the reader. When the reader's buffer has gone meanwhile, returns the error and keeps the bytes
 * for the next reader.
 */
function deliver(
  driver: Driver,
  connection: Connection,
  operation: Operation,
  request: ReadRequest,
): NetworkError | null {
  const { block, bytes } = operation;
  driver.counters.bytesReceived += bytes;
  if (block === null) return null;
  adapt(connection, block, bytes);
  const { target } = request;
  if (copyOut(block, 0, target, bytes)) return null;
  connection.read.keep(block, bytes);
  operation.block = null;
  return bufferDetached('read', bytes, target.byteLength);
}

/**
 * Copies bytes of a block to the start of a reader's buffer. Returns false when it has no room for them any more.
 *
 * Of a user's array it is always byteLength that is asked: of one that was detached V8 (11.3 to 12.4 at least) may still answer
 * `length` with the length it had, in optimised code that has met resizable buffers too.
 */
function copyOut(block: Block, from: number, target: Uint8Array, bytes: number): boolean {
  if (bytes > target.byteLength) return false;
  try {
    if (bytes <= COPY_LOOP_LIMIT) {
      const source = block.bytes;
      for (let index = 0; index < bytes; index++) target[index] = source[from + index] ?? 0;
    } else {
      block.bytes.copy(target, 0, from, from + bytes);
    }
    return true;
  } catch {
    return false; // it has lost them between the look and the copy
  }
}

/** Lets the size of the next receive follow the size of this one. */
function adapt(connection: Connection, block: Block, bytes: number): void {
  if (bytes === block.size && connection.read.blockClass < LARGEST_RECEIVE_CLASS) {
    connection.read.useClass(block.sizeClass + 1);
  } else if (block.sizeClass > 0 && bytes <= (BLOCK_SIZES[block.sizeClass - 1] ?? 0) / 2) {
    connection.read.useClass(block.sizeClass - 1);
  }
}

function retire(driver: Driver, connection: Connection, operation: Operation): void {
  connection.read.finish();
  driver.operations.release(operation);
}
