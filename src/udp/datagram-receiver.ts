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
 * Reception does not end. An ICMP "unreachable" about something sent earlier is not the receiver's error, and is reported only
 * where reportUnreachable asks for it. Any other failure answers one asyncReceiveFrom, and the pool is filled again as
 * long as somebody waits.
 */
import { ERROR_OPERATION_ABORTED, WSAEMSGSIZE, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { ReceiveFromCallback } from '../pal/datagram.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { NO_ENDPOINT } from '../sockets/addresses.ts';
import { abandonOperation, causeOf } from '../sockets/abandon.ts';
import { BLOCK_SIZES, classFor, type Block } from '../memory/block-pool.ts';
import { settleClose } from '../sockets/closer.ts';
import type { ReceiveFromRequest } from './datagram-requests.ts';
import type { Arrival, DatagramSocket } from './datagram-socket.ts';
import { removePendingCallback, captureOrigin, addPendingCallback, type Context } from '../context/context.ts';
import { copyOut } from '../util/bytes.ts';
import { bufferDetached, connectionClosed, isUnreachable, outOfSlots, systemError } from '../util/errors.ts';
import { DATAGRAM_SLOT, OperationKind, type Operation } from '../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';

/** What an arrival without bytes counts for in maxQueuedReceiveBytes. */
const SMALLEST_BLOCK = BLOCK_SIZES[0];

/** Queues a receive; the first one posts the pool. */
export function receiveFrom(
  context: Context,
  socket: DatagramSocket,
  target: Uint8Array,
  maxBytes: number,
  options: OperationOptions | null,
  callback: ReceiveFromCallback,
): OperationHandle {
  const request = context.datagrams.takeReceive(target, maxBytes, callback);
  let name: OperationHandle;
  try {
    request.origin = captureOrigin(context);
    name = context.pendingCalls.begin(request, socket, options);
  } catch (error) {
    context.datagrams.giveReceive(request);
    throw error;
  }
  // Only now is the socket looked at: the caller's own code may have run in there.
  const why = whyOver(request, socket) ?? whyNoSlot(context, socket);
  if (why !== null) {
    addPendingCallback(context, socket);
    answerSoon(context, socket, request, why);
    return NO_OPERATION;
  }
  socket.receives.push(request);
  addPendingCallback(context, socket);
  serveSoon(context, socket);
  if (socket.receiving.size < socket.settings.depth) fillPool(context, socket);
  return name;
}

/** Takes a receive back. The datagram that it would have got goes to the next: receives belong to the socket. */
export function cancelReceive(
  context: Context,
  socket: DatagramSocket,
  request: ReceiveFromRequest,
  error: NetworkError,
): boolean {
  socket.receives.remove(request);
  answerSoon(context, socket, request, error);
  return true;
}

/** What a receive gets that would be the first one, when nothing can be posted for it. */
function whyNoSlot({ operations, options }: Context, { receiving }: DatagramSocket): NetworkError | null {
  return receiving.size === 0 && operations.free === 0 ? outOfSlots(options.maxOperations) : null;
}

/** Answers a receive that is in no queue, in a coming turn. */
function answerSoon(context: Context, socket: DatagramSocket, request: ReceiveFromRequest, error: NetworkError): void {
  const { callback } = request;
  context.datagrams.giveReceive(request);
  context.loop.enqueue(() => {
    removePendingCallback(context, socket);
    callback.finish(error, 0, NO_ENDPOINT, 0);
  });
}

export function completeReceiveFrom(context: Context, socket: DatagramSocket, operation: Operation): void {
  if (socket.closing) {
    release(context, socket, operation);
    settleClose(context, socket);
    return;
  }
  operation.held = true;
  handleInOrder(context, socket);
}

/** Handles the receives that have come back, up to the first one that has not. */
function handleInOrder(context: Context, socket: DatagramSocket): void {
  let operation = socket.posted.peek();
  let finished = false;
  try {
    while (operation?.held === true) {
      operation.held = false;
      socket.posted.shift();
      handle(context, socket, operation);
      operation = socket.posted.peek();
    }
    finished = true;
  } finally {
    // A callback threw: the rest must not wait for the next packet.
    if (!finished) handleRestSoon(context, socket);
  }
}

/** By itself, as planServe is: a function that makes a closure of its parameters pays for that whenever it is called. */
function handleRestSoon(context: Context, socket: DatagramSocket): void {
  context.loop.enqueue(() => handleInOrder(context, socket));
}

function handle(context: Context, socket: DatagramSocket, operation: Operation): void {
  const { error } = operation;
  if (error === 0 || error === WSAEMSGSIZE) {
    socket.unaskedCancels = 0;
    arrived(context, socket, operation);
  } else if (error === ERROR_OPERATION_ABORTED && !socket.closing && mayPostAgain(socket)) {
    repost(context, socket, operation); // nobody takes one back: Windows has cancelled it with a send of its socket
  } else if (isUnreachable(error)) {
    context.counters.unreachableReports++;
    repost(context, socket, operation);
    if (socket.settings.reportUnreachable) report(context, socket, error);
  } else {
    const failure = systemError('receive', 'WSARecvFrom', error, causeOf(operation));
    release(context, socket, operation);
    const request = socket.receives.shift();
    if (socket.receives.length > 0) fillPool(context, socket);
    if (request !== null) answer(context, socket, request, failure);
  }
}

/** The socket closes: who waits is answered, what nobody asked for is dropped. */
export function stopReceiving(context: Context, socket: DatagramSocket): void {
  for (let request = socket.receives.shift(); request !== null; request = socket.receives.shift()) {
    answerSoon(context, socket, request, connectionClosed('receive'));
  }
  for (let operation = socket.posted.shift(); operation !== undefined; operation = socket.posted.shift()) {
    if (operation.held) release(context, socket, operation);
  }
  for (let arrival = socket.arrivals.shift(); arrival !== undefined; arrival = socket.arrivals.shift()) {
    forget(context, socket, arrival);
  }
  socket.report = 0;
}

function arrived(context: Context, socket: DatagramSocket, operation: Operation): void {
  const { counters } = context;
  const { block } = operation;
  if (block === null) throw new Error('A datagram came into no memory. This is a bug in iocp-pal; please report it');
  // A datagram that was cut off has filled its buffer, whatever count the system gives.
  const cut = operation.error === WSAEMSGSIZE;
  const bytes = cut ? operation.requested : operation.bytes;
  const size = cut ? Infinity : bytes;
  const peer = peerOf(context, socket, operation);
  counters.datagramsReceived++;
  counters.bytesReceived += bytes;
  const request = socket.receives.first;
  if (request === null || socket.arrivals.length > 0) {
    keep(context, socket, block, bytes, size, peer);
    repost(context, socket, operation);
    return;
  }
  const { target, maxBytes } = request;
  const count = Math.min(bytes, maxBytes);
  if (!copyOut(block.bytes, 0, target, count)) {
    // Its buffer has gone; the datagram is the next one's.
    socket.receives.shift();
    keep(context, socket, block, bytes, size, peer);
    repost(context, socket, operation);
    serveSoon(context, socket);
    answer(context, socket, request, bufferDetached('receive', count, target.byteLength));
    return;
  }
  if (size > count) counters.datagramsTruncated++;
  socket.receives.shift();
  // Before the callback: it may throw, and the pool must not lose a place to that.
  repost(context, socket, operation);
  const { callback } = request;
  context.datagrams.giveReceive(request);
  removePendingCallback(context, socket);
  callback.finish(null, count, peer, size);
}

/** Schedules a look at what came while nobody was asking, when somebody asks. */
function serveSoon(context: Context, socket: DatagramSocket): void {
  if (socket.serving || socket.receives.length === 0) return;
  if (socket.arrivals.length > 0 || socket.report !== 0) planServe(context, socket);
}

function planServe(context: Context, socket: DatagramSocket): void {
  socket.serving = true;
  context.loop.enqueue(() => serve(context, socket));
}

/** Brings the oldest arrival and the oldest request together; a report of an unreachable peer goes first. */
function serve(context: Context, socket: DatagramSocket): void {
  socket.serving = false;
  const { report } = socket;
  const arrival = socket.arrivals.peek();
  const request = socket.receives.first;
  if (request === null || (report === 0 && arrival === undefined)) return;
  socket.receives.shift();
  if (report !== 0 || arrival === undefined) {
    socket.report = 0;
    serveSoon(context, socket);
    answer(context, socket, request, systemError('receive', 'WSARecvFrom', report));
    return;
  }
  const { target, maxBytes } = request;
  const count = Math.min(arrival.bytes, maxBytes);
  if (!(arrival.block === null ? count <= target.byteLength : copyOut(arrival.block.bytes, 0, target, count))) {
    serveSoon(context, socket);
    answer(context, socket, request, bufferDetached('receive', count, target.byteLength));
    return;
  }
  socket.arrivals.shift();
  if (arrival.size > count) context.counters.datagramsTruncated++;
  const { peer, size } = arrival;
  forget(context, socket, arrival);
  // Before the callback, which may throw.
  serveSoon(context, socket);
  const { callback } = request;
  context.datagrams.giveReceive(request);
  removePendingCallback(context, socket);
  callback.finish(null, count, peer, size);
}

/** Copies a datagram that nobody waits for out of its receive's block, which is large and wanted back at once. */
function keep(
  context: Context,
  socket: DatagramSocket,
  from: Block,
  bytes: number,
  size: number,
  peer: Endpoint,
): void {
  const sizeClass = classFor(bytes);
  // One that somebody waits for nevertheless (the buffer before had gone) is on its way there, and needs no room.
  const isAwaited = socket.receives.length > 0 && socket.arrivals.length === 0;
  if (!isAwaited && !makeRoom(context, socket, bytes === 0 ? SMALLEST_BLOCK : (BLOCK_SIZES[sizeClass] ?? 0))) return;
  const block = bytes === 0 ? null : context.blocks.take(sizeClass);
  if (bytes > 0) {
    if (block === null || block.size < bytes) {
      if (block !== null) context.blocks.give(block);
      context.counters.datagramsDropped++;
      return;
    }
    from.bytes.copy(block.bytes, 0, 0, bytes);
  }
  socket.arrivals.push({ block, bytes, size, peer });
  socket.arrivedBytes += block?.size ?? SMALLEST_BLOCK;
}

/**
 * Reports to who waits, or asks next, that a peer could not be reached. One report is kept: a system may notify every posted
 * receive of the same ICMP message, and how often says nothing.
 */
function report(context: Context, socket: DatagramSocket, error: number): void {
  const request = socket.receives.shift();
  if (request === null) socket.report = error;
  else answer(context, socket, request, systemError('receive', 'WSARecvFrom', error));
}

/** Makes room for another arrival. Returns false when it is the one to be dropped. */
function makeRoom(context: Context, socket: DatagramSocket, bytes: number): boolean {
  const { dropOldest, maxQueuedBytes } = socket.settings;
  while (socket.arrivedBytes + bytes > maxQueuedBytes) {
    context.counters.datagramsDropped++;
    const oldest = dropOldest && bytes <= maxQueuedBytes ? socket.arrivals.shift() : undefined;
    if (oldest === undefined) return false;
    forget(context, socket, oldest);
  }
  return true;
}

function forget(context: Context, socket: DatagramSocket, { block }: Arrival): void {
  socket.arrivedBytes -= block?.size ?? SMALLEST_BLOCK;
  if (block !== null) context.blocks.give(block);
}

/** Calls back with an error, in the turn that found it. `request` is in no queue any more. */
function answer(context: Context, socket: DatagramSocket, request: ReceiveFromRequest, error: NetworkError): void {
  const { callback } = request;
  context.datagrams.giveReceive(request);
  removePendingCallback(context, socket);
  callback.finish(error, 0, NO_ENDPOINT, 0);
}

/** Posts as many receives as the pool has places for. */
function fillPool(context: Context, socket: DatagramSocket): void {
  while (socket.receiving.size < socket.settings.depth) {
    const operation = context.operations.take(OperationKind.ReceiveFrom, socket);
    // With one posted the socket receives; it fills the rest when there are slots again.
    if (operation === null) return;
    socket.receiving.add(operation);
    post(context, socket, operation);
  }
}

function repost(context: Context, socket: DatagramSocket, operation: Operation): void {
  context.operations.reset(operation);
  post(context, socket, operation);
}

function post(context: Context, socket: DatagramSocket, operation: Operation): void {
  socket.posted.push(operation);
  try {
    start(context, socket, operation);
  } catch (error) {
    abandonOperation(context, socket, operation, error);
  }
}

function start(context: Context, socket: DatagramSocket, operation: Operation): void {
  const length = socket.settings.maxDatagramSize;
  operation.block ??= context.blocks.take(classFor(length));
  const { block } = operation;
  if (block === null || block.size < length) {
    // A smaller block, from a system without memory, would cut datagrams off behind the user's back.
    context.loop.completeSynchronously(operation, WSAENOBUFS, 0);
    return;
  }
  operation.requested = length;
  context.operations.setSegment(operation, 0, block.address, length);
  context.transport.receiveFrom(socket, operation);
}

function release(context: Context, socket: DatagramSocket, operation: Operation): void {
  socket.receiving.delete(operation);
  context.operations.release(operation);
}

function peerOf(context: Context, socket: DatagramSocket, operation: Operation): Endpoint {
  const { words } = context.operations;
  const lengthWord = operation.word + DATAGRAM_SLOT.ADDRESS_LENGTH / 4;
  if (words[lengthWord] === 0) return socket.peer ?? NO_ENDPOINT; // a provider that names nobody on a connected socket
  return socket.peers.find(words, operation.word + DATAGRAM_SLOT.ADDRESS / 4) ?? socket.peer ?? NO_ENDPOINT;
}
