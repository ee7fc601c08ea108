/**
 * Reading: at most one WSARecv in flight per connection, posted only while somebody waits for it.
 *
 * The bytes land in a pinned block and are copied to the user's buffer when the packet comes (or in the user's own pinned
 * buffer, in place). The block's size follows the peer: an idle connection waits in 512 bytes; a receive that fills its
 * block makes the next one larger, one that leaves most of it empty makes it smaller.
 */
import { WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { BytesCallback } from '../pal/network-pal.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { BLOCK_SIZES, classFor } from './block-pool.ts';
import { settleClose } from './closer.ts';
import type { Connection } from './connection.ts';
import { callbackDue, captureOrigin, expectCallback, type Driver } from './driver.ts';
import { bufferDetached, connectionClosed, outOfSlots, systemError } from './errors.ts';
import { OperationKind, type Operation } from './operation.ts';
import type { ReadRequest } from './requests.ts';

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
  callback: BytesCallback,
): void {
  const idle = connection.firstRead === null && connection.receiveOperation === null;
  const operation = idle && !connection.receiveEnded ? driver.operations.take(OperationKind.Receive, connection) : null;
  if (idle && operation === null && !connection.receiveEnded) throw outOfSlots(driver.options.maxOperations);
  const request = driver.requests.takeRead(target, maxBytes, callback);
  request.origin = captureOrigin(driver);
  if (connection.lastRead === null) connection.firstRead = request;
  else connection.lastRead.next = request;
  connection.lastRead = request;
  expectCallback(driver, connection);
  if (operation !== null) {
    connection.receiveOperation = operation;
    connection.inFlight++;
    post(driver, connection, operation, request);
  } else if (connection.receiveEnded) {
    endReads(driver, connection);
  }
}

/** A receive came back. */
export function completeReceive(driver: Driver, connection: Connection, operation: Operation): void {
  const { bytes, error } = operation;
  const request = connection.firstRead;
  if (request === null || connection.closing) {
    // Nobody waits any more: the reads were answered when the socket was closed or its receiving side shut down.
    retire(driver, connection, operation);
    settleClose(driver, connection);
    return;
  }
  if (connection.receiveEnded) {
    // shutdown('receive') cancelled it. Bytes that won the race are still the oldest reader's.
    if (error !== 0 || bytes === 0) {
      retire(driver, connection, operation);
      endReads(driver, connection);
      return;
    }
  }
  let failure: NetworkError | null;
  if (error !== 0) {
    failure = systemError('read', 'WSARecv', error);
  } else {
    driver.counters.bytesReceived += bytes;
    failure = deliver(operation, request, bytes);
    adapt(connection, operation, bytes);
  }
  if (operation.block !== null) driver.blocks.give(operation.block);
  operation.block = null;
  operation.lent = null;

  connection.firstRead = request.next;
  if (request.next === null) connection.lastRead = null;
  const { callback } = request;
  driver.requests.giveRead(request);
  if (connection.firstRead !== null && !connection.receiveEnded) {
    driver.operations.renew(operation);
    post(driver, connection, operation, connection.firstRead);
  } else {
    retire(driver, connection, operation);
    if (connection.receiveEnded) endReads(driver, connection);
  }
  callbackDue(driver, connection);
  callback(failure, failure === null ? bytes : 0);
}

/** Answers every waiting read, in order, in a coming turn; the receive that may be posted comes back to nobody. */
export function failReads(driver: Driver, connection: Connection): void {
  answerReads(driver, connection, () => connectionClosed('read'));
}

/** Answers every waiting read with 0 bytes, the end of the stream. */
export function endReads(driver: Driver, connection: Connection): void {
  answerReads(driver, connection, () => null);
}

function answerReads(driver: Driver, connection: Connection, outcome: () => NetworkError | null): void {
  let request = connection.firstRead;
  connection.firstRead = null;
  connection.lastRead = null;
  while (request !== null) {
    const { callback, next } = request;
    driver.requests.giveRead(request);
    driver.loop.enqueue(() => {
      callbackDue(driver, connection);
      callback(outcome(), 0);
    });
    request = next;
  }
}

function post(driver: Driver, connection: Connection, operation: Operation, request: ReadRequest): void {
  const { operations, blocks, loop } = driver;
  const pinnedAddress = driver.pinned.addressOf(request.target);
  let address: number;
  let length: number;
  if (pinnedAddress !== 0) {
    operation.lent = request.target;
    address = pinnedAddress;
    length = request.maxBytes;
  } else {
    const wanted = Math.min(connection.receiveClass, classFor(request.maxBytes));
    const block = blocks.take(wanted);
    operation.block = block;
    if (block === null) {
      loop.finishInline(operation, WSAENOBUFS, 0);
      return;
    }
    address = block.address;
    length = Math.min(block.size, request.maxBytes);
  }
  operation.requested = length;
  operations.setSegment(operation, 0, address, length);
  driver.transport.receive(connection, operation);
}

/** Copies what arrived to the reader. Returns the error when the reader's buffer has gone meanwhile. */
function deliver(operation: Operation, request: ReadRequest, bytes: number): NetworkError | null {
  const block = operation.block;
  if (block === null) return null;
  const { target } = request;
  if (bytes > target.length) return bufferDetached('read', bytes, target.length);
  if (bytes <= COPY_LOOP_LIMIT) {
    const source = block.bytes;
    for (let index = 0; index < bytes; index++) target[index] = source[index] ?? 0;
  } else {
    block.bytes.copy(target, 0, 0, bytes);
  }
  return null;
}

/** Lets the size of the next receive follow the size of this one. */
function adapt(connection: Connection, operation: Operation, bytes: number): void {
  const block = operation.block;
  if (block === null) return;
  if (bytes === block.size && connection.receiveClass < LARGEST_RECEIVE_CLASS) {
    connection.receiveClass = block.sizeClass + 1;
  } else if (block.sizeClass > 0 && bytes <= (BLOCK_SIZES[block.sizeClass - 1] ?? 0) / 2) {
    connection.receiveClass = block.sizeClass - 1;
  }
}

function retire(driver: Driver, connection: Connection, operation: Operation): void {
  if (operation.block !== null) driver.blocks.give(operation.block);
  connection.receiveOperation = null;
  connection.inFlight--;
  driver.operations.release(operation);
}
