/**
 * Whose a datagram is that has come: the oldest asyncReceiveFrom's, or nobody's yet. What nobody waits for is copied to a block that
 * fits it, within a bound; what is dropped is counted.
 *
 * Delivering is in two steps, since the callback may throw, or close the socket: first the datagram leaves the block that it came
 * into, which the caller then uses for the next one; then finish() calls back.
 */
import { WSAEMSGSIZE, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { ReceiveBatchCallback } from '../pal/datagram.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { NO_ENDPOINT } from '../sockets/addresses.ts';
import { BLOCK_SIZES, classFor, LARGEST_CLASS, type Block } from '../memory/block-pool.ts';
import type { BoundCallback } from '../platform/async-context.ts';
import { NO_BATCH } from './datagram-batch.ts';
import type { ReceiveFromRequest } from './datagram-requests.ts';
import type { Arrival, DatagramSocket } from './datagram-socket.ts';
import { removePendingCallback, type Context } from '../context/context.ts';
import { copyOut } from '../util/bytes.ts';
import { bufferDetached, connectionClosed, systemError } from '../util/errors.ts';
import { DATAGRAM_SLOT, type Operation } from '../memory/operation.ts';

/** What an arrival without bytes counts for in maxQueuedReceiveBytes. */
const SMALLEST_BLOCK = BLOCK_SIZES[0];

/**
 * Takes a datagram out of the block of a receive that has got one (error 0, or WSAEMSGSIZE where the system has cut it).
 * @returns the request to finish(), or null where nobody waits for it
 */
export function takeDatagram(
  context: Context,
  socket: DatagramSocket,
  operation: Operation,
): ReceiveFromRequest | null {
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
    return null;
  }
  socket.receives.shift();
  if (request.batchCallback !== null) {
    if (beginBatch(context, request)) addToBatch(context, block, bytes, cut, peer);
    else {
      keep(context, socket, block, bytes, size, peer);
      serveSoon(context, socket);
    }
    return request;
  }
  const { target, maxBytes } = request;
  const count = Math.min(bytes, maxBytes);
  if (copyOut(block.bytes, 0, target, count)) {
    if (size > count) counters.datagramsTruncated++;
    request.count = count;
    request.peer = peer;
    request.size = size;
  } else {
    // Its buffer has gone; the datagram is the next one's.
    keep(context, socket, block, bytes, size, peer);
    request.failure = bufferDetached('receive', count, target.byteLength);
    serveSoon(context, socket);
  }
  return request;
}

/** Readies the batch for a request. Returns false where there is no memory, of which the request is to be told. */
export function beginBatch({ viewBlocks, datagrams }: Context, request: ReceiveFromRequest): boolean {
  const block = viewBlocks.take(LARGEST_CLASS);
  if (block !== null) datagrams.batch.begin(block);
  else request.failure = systemError('receive', 'WSARecvFrom', WSAENOBUFS);
  return block !== null;
}

/** Gives the batch's memory back. */
export function endBatch({ datagrams, blocks }: Context): void {
  const block = datagrams.batch.end();
  if (block !== null) blocks.give(block);
}

/** @param from where its bytes are; null when it has none, or they lie in the batch already */
export function addToBatch(context: Context, from: Block | null, bytes: number, isCut: boolean, peer: Endpoint): void {
  const { batch } = context.datagrams;
  from?.bytes.copy(batch.bytes, batch.next, 0, bytes);
  batch.add(bytes, isCut, peer);
  if (isCut) context.counters.datagramsTruncated++;
}

/** Calls back, in the turn that found the datagram or the failure. `request` is in no queue any more. */
export function finishReceive(context: Context, socket: DatagramSocket, request: ReceiveFromRequest): void {
  const { callback, batchCallback, failure, count, peer, size } = request;
  context.datagrams.giveReceive(request);
  removePendingCallback(context, socket);
  if (batchCallback === null) callback.finish(failure, count, peer, size);
  else if (failure === null) lendBatch(context, batchCallback);
  else batchCallback.finish(failure, NO_BATCH);
}

/** Calls back with the batch, which is over then. */
function lendBatch(context: Context, callback: BoundCallback<Parameters<ReceiveBatchCallback>>): void {
  try {
    callback.finish(null, context.datagrams.batch);
  } finally {
    endBatch(context);
  }
}

/** The same with an error. */
export function failReceive(
  context: Context,
  socket: DatagramSocket,
  request: ReceiveFromRequest,
  error: NetworkError,
): void {
  request.failure = error;
  finishReceive(context, socket, request);
}

/** Answers a receive that is in no queue, in a coming turn. */
export function answerReceiveSoon(
  context: Context,
  socket: DatagramSocket,
  request: ReceiveFromRequest,
  error: NetworkError,
): void {
  const { callback, batchCallback } = request;
  context.datagrams.giveReceive(request);
  context.loop.enqueue(() => {
    removePendingCallback(context, socket);
    if (batchCallback === null) callback.finish(error, 0, NO_ENDPOINT, 0);
    else batchCallback.finish(error, NO_BATCH);
  });
}

/** Schedules a look at what came while nobody was asking, when somebody asks. */
export function serveSoon(context: Context, socket: DatagramSocket): void {
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
    failReceive(context, socket, request, systemError('receive', 'WSARecvFrom', report));
    return;
  }
  if (request.batchCallback !== null) return serveBatch(context, socket, request);
  const { target, maxBytes } = request;
  const count = Math.min(arrival.bytes, maxBytes);
  if (!(arrival.block === null ? count <= target.byteLength : copyOut(arrival.block.bytes, 0, target, count))) {
    serveSoon(context, socket);
    failReceive(context, socket, request, bufferDetached('receive', count, target.byteLength));
    return;
  }
  socket.arrivals.shift();
  if (arrival.size > count) context.counters.datagramsTruncated++;
  request.count = count;
  request.peer = arrival.peer;
  request.size = arrival.size;
  forget(context, socket, arrival);
  // Before the callback, which may throw.
  serveSoon(context, socket);
  finishReceive(context, socket, request);
}

/** As many arrivals as a batch has room for. */
function serveBatch(context: Context, socket: DatagramSocket, request: ReceiveFromRequest): void {
  const { arrivals } = socket;
  const { batch } = context.datagrams;
  if (beginBatch(context, request)) {
    for (let next = arrivals.peek(); next !== undefined && batch.hasRoom(next.bytes); next = arrivals.peek()) {
      arrivals.shift();
      addToBatch(context, next.block, next.bytes, next.size > next.bytes, next.peer);
      forget(context, socket, next);
    }
  }
  // Before the callback, which may throw.
  serveSoon(context, socket);
  finishReceive(context, socket, request);
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
export function reportUnreachable(context: Context, socket: DatagramSocket, error: number): void {
  const request = socket.receives.shift();
  if (request === null) socket.report = error;
  else failReceive(context, socket, request, systemError('receive', 'WSARecvFrom', error));
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

/** The socket closes: who waits is answered, what nobody asked for is dropped. */
export function stopDelivering(context: Context, socket: DatagramSocket): void {
  for (let request = socket.receives.shift(); request !== null; request = socket.receives.shift()) {
    answerReceiveSoon(context, socket, request, connectionClosed('receive'));
  }
  for (let arrival = socket.arrivals.shift(); arrival !== undefined; arrival = socket.arrivals.shift()) {
    forget(context, socket, arrival);
  }
  socket.report = 0;
}

/** Who has sent what an operation has received. */
export function peerOf(context: Context, socket: DatagramSocket, operation: Operation): Endpoint {
  const { words } = context.operations;
  const lengthWord = operation.word + DATAGRAM_SLOT.ADDRESS_LENGTH / 4;
  if (words[lengthWord] === 0) return socket.peer ?? NO_ENDPOINT; // a provider that names nobody on a connected socket
  return socket.peers.find(words, operation.word + DATAGRAM_SLOT.ADDRESS / 4) ?? socket.peer ?? NO_ENDPOINT;
}
