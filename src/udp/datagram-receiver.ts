/**
 * Receiving datagrams: a pool of receives per socket, posted from the first asyncReceiveFrom on.
 *
 *   WSARecvFrom ×depth ──► packet ──► the oldest asyncReceiveFrom          (somebody waits)
 *        ▲                       └──► arrivals, copied to a fitting block   (nobody does; bounded, drops are counted)
 *        └── posted again before any callback runs
 *
 * Several are posted so that a burst finds receives ready while an earlier packet is handled. The system fills them in the
 * order in which they were posted, but their packets may overtake one another; so each is handled in the order of posting,
 * and a packet that came too early waits for the one before it, which is on its way. Each receive has a block of its own,
 * by default larger than any datagram: what is longer than a block is cut off by the system and lost.
 *
 * Reception does not end. An ICMP "unreachable" about something sent earlier is not the receiver's error, and is told only
 * where reportUnreachable asks for it. Any other failure answers one asyncReceiveFrom, and the pool is filled again as
 * long as somebody waits.
 */
import { ERROR_OPERATION_ABORTED, WSAEMSGSIZE, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { ReceiveFromCallback } from '../pal/datagram.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { abandonOperation, causeOf } from '../sockets/abandon.ts';
import { BLOCK_SIZES, classFor, type Block } from '../memory/block-pool.ts';
import { settleClose } from '../sockets/closer.ts';
import type { ReceiveFromRequest } from './datagram-requests.ts';
import type { Arrival, DatagramSocket } from './datagram-socket.ts';
import { callbackDue, captureOrigin, expectCallback, type Driver } from '../context/context.ts';
import { bufferDetached, connectionClosed, isUnreachable, outOfSlots, systemError } from '../util/errors.ts';
import { DATAGRAM_CONTEXT, OperationKind, type Operation } from '../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';

/** Up to this many bytes, a loop in JavaScript copies faster than a call into Node. */
const COPY_LOOP_LIMIT = 64;
/** What an arrival without bytes counts for in maxQueuedReceiveBytes. */
const SMALLEST_BLOCK = BLOCK_SIZES[0];

/** Queues a receive; the first one posts the pool. */
export function receiveFrom(
  driver: Driver,
  socket: DatagramSocket,
  target: Uint8Array,
  maxBytes: number,
  options: OperationOptions | null,
  callback: ReceiveFromCallback,
): OperationHandle {
  const request = driver.datagrams.takeReceive(target, maxBytes, callback);
  let name: OperationHandle;
  try {
    request.origin = captureOrigin(driver);
    name = driver.calls.begin(request, socket, options);
  } catch (error) {
    driver.datagrams.giveReceive(request);
    throw error;
  }
  // Only now is the socket looked at: the caller's own code may have run in there.
  const why = whyOver(request, socket) ?? whyNoSlot(driver, socket);
  if (why !== null) {
    expectCallback(driver, socket);
    answerSoon(driver, socket, request, why);
    return NO_OPERATION;
  }
  socket.receives.push(request);
  expectCallback(driver, socket);
  serveSoon(driver, socket);
  if (socket.receiving.size < socket.settings.depth) fillPool(driver, socket);
  return name;
}

/** Takes a receive back. The datagram that it would have got goes to the next: receives belong to the socket. */
export function revokeReceive(
  driver: Driver,
  socket: DatagramSocket,
  request: ReceiveFromRequest,
  error: NetworkError,
): boolean {
  socket.receives.remove(request);
  answerSoon(driver, socket, request, error);
  return true;
}

/** What a receive gets that would be the first one, when nothing can be posted for it. */
function whyNoSlot({ operations, options }: Driver, { receiving }: DatagramSocket): NetworkError | null {
  return receiving.size === 0 && operations.free === 0 ? outOfSlots(options.maxOperations) : null;
}

/** Answers a receive that is in no queue, in a coming turn. */
function answerSoon(driver: Driver, socket: DatagramSocket, request: ReceiveFromRequest, error: NetworkError): void {
  const { callback } = request;
  driver.datagrams.giveReceive(request);
  driver.loop.enqueue(() => {
    callbackDue(driver, socket);
    callback.finish(error, 0, null, 0);
  });
}

/** WSARecvFrom came back. */
export function completeReceiveFrom(driver: Driver, socket: DatagramSocket, operation: Operation): void {
  if (socket.closing) {
    retire(driver, socket, operation);
    settleClose(driver, socket);
    return;
  }
  operation.held = true;
  handleInOrder(driver, socket);
}

/** Handles the receives that have come back, up to the first one that has not. */
function handleInOrder(driver: Driver, socket: DatagramSocket): void {
  let operation = socket.posted.peek();
  let finished = false;
  try {
    while (operation?.held === true) {
      operation.held = false;
      socket.posted.shift();
      handle(driver, socket, operation);
      operation = socket.posted.peek();
    }
    finished = true;
  } finally {
    // A callback threw: the rest must not wait for the next packet.
    if (!finished) handleRestSoon(driver, socket);
  }
}

/** By itself, as planServe is: a function that makes a closure of its parameters pays for that whenever it is called. */
function handleRestSoon(driver: Driver, socket: DatagramSocket): void {
  driver.loop.enqueue(() => handleInOrder(driver, socket));
}

function handle(driver: Driver, socket: DatagramSocket, operation: Operation): void {
  const { error } = operation;
  if (error === 0 || error === WSAEMSGSIZE) {
    socket.unaskedCancels = 0;
    arrived(driver, socket, operation);
  } else if (error === ERROR_OPERATION_ABORTED && !socket.closing && mayPostAgain(socket)) {
    repost(driver, socket, operation); // nobody takes one back: Windows has cancelled it with a send of its socket
  } else if (isUnreachable(error)) {
    driver.counters.unreachableReports++;
    repost(driver, socket, operation);
    if (socket.settings.reportUnreachable) report(driver, socket, error);
  } else {
    const failure = systemError('receive', 'WSARecvFrom', error, causeOf(operation));
    retire(driver, socket, operation);
    const request = socket.receives.shift();
    if (socket.receives.length > 0) fillPool(driver, socket);
    if (request !== null) answer(driver, socket, request, failure);
  }
}

/** The socket closes: who waits is answered, what nobody asked for is dropped. */
export function stopReceiving(driver: Driver, socket: DatagramSocket): void {
  for (let request = socket.receives.shift(); request !== null; request = socket.receives.shift()) {
    answerSoon(driver, socket, request, connectionClosed('receive'));
  }
  for (let operation = socket.posted.shift(); operation !== undefined; operation = socket.posted.shift()) {
    if (operation.held) retire(driver, socket, operation);
  }
  for (let arrival = socket.arrivals.shift(); arrival !== undefined; arrival = socket.arrivals.shift()) {
    forget(driver, socket, arrival);
  }
  socket.report = 0;
}

function arrived(driver: Driver, socket: DatagramSocket, operation: Operation): void {
  const { counters } = driver;
  const { block } = operation;
  if (block === null) throw new Error('A datagram came into no memory. This is a bug in iocp-pal; please report it');
  // A datagram that was cut off has filled its buffer, whatever count the system gives.
  const cut = operation.error === WSAEMSGSIZE;
  const bytes = cut ? operation.requested : operation.bytes;
  const size = cut ? Infinity : bytes;
  const peer = peerOf(driver, socket, operation);
  counters.datagramsReceived++;
  counters.bytesReceived += bytes;
  const request = socket.receives.first;
  if (request === null || socket.arrivals.length > 0) {
    keep(driver, socket, block, bytes, size, peer);
    repost(driver, socket, operation);
    return;
  }
  const { target, maxBytes } = request;
  const count = Math.min(bytes, maxBytes);
  if (!copyOut(block.bytes, target, count)) {
    // Its buffer has gone; the datagram is the next one's.
    socket.receives.shift();
    keep(driver, socket, block, bytes, size, peer);
    repost(driver, socket, operation);
    serveSoon(driver, socket);
    answer(driver, socket, request, bufferDetached('receive', count, target.byteLength));
    return;
  }
  if (size > count) counters.datagramsTruncated++;
  socket.receives.shift();
  // Before the callback: it may throw, and the pool must not lose a place to that.
  repost(driver, socket, operation);
  const { callback } = request;
  driver.datagrams.giveReceive(request);
  callbackDue(driver, socket);
  callback.finish(null, count, peer, size);
}

/** Plans a look at what came when nobody was asking, when somebody asks. */
function serveSoon(driver: Driver, socket: DatagramSocket): void {
  if (socket.serving || socket.receives.length === 0) return;
  if (socket.arrivals.length > 0 || socket.report !== 0) planServe(driver, socket);
}

function planServe(driver: Driver, socket: DatagramSocket): void {
  socket.serving = true;
  driver.loop.enqueue(() => serve(driver, socket));
}

/** Brings the oldest arrival and the oldest request together; a report of an unreachable peer goes first. */
function serve(driver: Driver, socket: DatagramSocket): void {
  socket.serving = false;
  const { report } = socket;
  const arrival = socket.arrivals.peek();
  const request = socket.receives.first;
  if (request === null || (report === 0 && arrival === undefined)) return;
  socket.receives.shift();
  if (report !== 0 || arrival === undefined) {
    socket.report = 0;
    serveSoon(driver, socket);
    answer(driver, socket, request, systemError('receive', 'WSARecvFrom', report));
    return;
  }
  const { target, maxBytes } = request;
  const count = Math.min(arrival.bytes, maxBytes);
  if (!(arrival.block === null ? count <= target.byteLength : copyOut(arrival.block.bytes, target, count))) {
    serveSoon(driver, socket);
    answer(driver, socket, request, bufferDetached('receive', count, target.byteLength));
    return;
  }
  socket.arrivals.shift();
  if (arrival.size > count) driver.counters.datagramsTruncated++;
  const { peer, size } = arrival;
  forget(driver, socket, arrival);
  // Before the callback, which may throw.
  serveSoon(driver, socket);
  const { callback } = request;
  driver.datagrams.giveReceive(request);
  callbackDue(driver, socket);
  callback.finish(null, count, peer, size);
}

/** Copies a datagram that nobody waits for out of its receive's block, which is large and wanted back at once. */
function keep(
  driver: Driver,
  socket: DatagramSocket,
  from: Block,
  bytes: number,
  size: number,
  peer: Endpoint | null,
): void {
  const sizeClass = classFor(bytes);
  // One that somebody waits for all the same (the buffer before had gone) is on its way there, and needs no room.
  const isAwaited = socket.receives.length > 0 && socket.arrivals.length === 0;
  if (!isAwaited && !makeRoom(driver, socket, bytes === 0 ? SMALLEST_BLOCK : (BLOCK_SIZES[sizeClass] ?? 0))) return;
  const block = bytes === 0 ? null : driver.blocks.take(sizeClass);
  if (bytes > 0) {
    if (block === null || block.size < bytes) {
      if (block !== null) driver.blocks.give(block);
      driver.counters.datagramsDropped++;
      return;
    }
    from.bytes.copy(block.bytes, 0, 0, bytes);
  }
  socket.arrivals.push({ block, bytes, size, peer });
  socket.arrivedBytes += block?.size ?? SMALLEST_BLOCK;
}

/**
 * Tells whoever waits, or asks next, that a peer could not be reached. One report is kept: a system may tell every posted
 * receive of the same ICMP message, and how often says nothing.
 */
function report(driver: Driver, socket: DatagramSocket, error: number): void {
  const request = socket.receives.shift();
  if (request === null) socket.report = error;
  else answer(driver, socket, request, systemError('receive', 'WSARecvFrom', error));
}

/** Makes room for another arrival. Returns false when it is the one to be dropped. */
function makeRoom(driver: Driver, socket: DatagramSocket, bytes: number): boolean {
  const { dropOldest, maxQueuedBytes } = socket.settings;
  while (socket.arrivedBytes + bytes > maxQueuedBytes) {
    driver.counters.datagramsDropped++;
    const oldest = dropOldest && bytes <= maxQueuedBytes ? socket.arrivals.shift() : undefined;
    if (oldest === undefined) return false;
    forget(driver, socket, oldest);
  }
  return true;
}

function forget(driver: Driver, socket: DatagramSocket, { block }: Arrival): void {
  socket.arrivedBytes -= block?.size ?? SMALLEST_BLOCK;
  if (block !== null) driver.blocks.give(block);
}

/** Calls back with an error, in the turn that found it. `request` is in no queue any more. */
function answer(driver: Driver, socket: DatagramSocket, request: ReceiveFromRequest, error: NetworkError): void {
  const { callback } = request;
  driver.datagrams.giveReceive(request);
  callbackDue(driver, socket);
  callback.finish(error, 0, null, 0);
}

/** Posts as many receives as the pool has places for. */
function fillPool(driver: Driver, socket: DatagramSocket): void {
  while (socket.receiving.size < socket.settings.depth) {
    const operation = driver.operations.take(OperationKind.ReceiveFrom, socket);
    // With one posted the socket receives; it fills the rest when there are slots again.
    if (operation === null) return;
    socket.receiving.add(operation);
    post(driver, socket, operation);
  }
}

function repost(driver: Driver, socket: DatagramSocket, operation: Operation): void {
  driver.operations.renew(operation);
  post(driver, socket, operation);
}

function post(driver: Driver, socket: DatagramSocket, operation: Operation): void {
  socket.posted.push(operation);
  try {
    start(driver, socket, operation);
  } catch (error) {
    abandonOperation(driver, socket, operation, error);
  }
}

function start(driver: Driver, socket: DatagramSocket, operation: Operation): void {
  const length = socket.settings.maxDatagramSize;
  operation.block ??= driver.blocks.take(classFor(length));
  const { block } = operation;
  if (block === null || block.size < length) {
    // A smaller block, from a system without memory, would cut datagrams off behind the user's back.
    driver.loop.finishInline(operation, WSAENOBUFS, 0);
    return;
  }
  operation.requested = length;
  driver.operations.setSegment(operation, 0, block.address, length);
  driver.transport.receiveFrom(socket, operation);
}

function retire(driver: Driver, socket: DatagramSocket, operation: Operation): void {
  socket.receiving.delete(operation);
  driver.operations.release(operation);
}

function peerOf(driver: Driver, socket: DatagramSocket, operation: Operation): Endpoint | null {
  const { words } = driver.operations;
  const lengthWord = operation.word + DATAGRAM_CONTEXT.ADDRESS_LENGTH / 4;
  if (words[lengthWord] === 0) return socket.peer; // a provider that names nobody on a connected socket
  return socket.peers.find(words, operation.word + DATAGRAM_CONTEXT.ADDRESS / 4) ?? socket.peer;
}

/** Returns false when the reader's buffer has no room for them any more. */
function copyOut(source: Buffer, target: Uint8Array, count: number): boolean {
  if (count > target.byteLength) return false;
  try {
    if (count <= COPY_LOOP_LIMIT) for (let index = 0; index < count; index++) target[index] = source[index] ?? 0;
    else source.copy(target, 0, 0, count);
    return true;
  } catch {
    return false; // it has lost them between the look and the copy
  }
}
