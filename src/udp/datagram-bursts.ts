/**
 * What comes behind the datagram that has ended a receive: taken by calls that answer at once (sockets/datagrams-at-once.ts), into the
 * same slot and block, or into a batch. datagram-receiver.ts has the whole of it.
 */
import { WSAEMSGSIZE, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { Context } from '../context/context.ts';
import type { Operation } from '../memory/operation.ts';
import { causeOf, codeOfThrown } from '../sockets/abandon.ts';
import { bytesOfCall, receiveFromAtOnce } from '../sockets/datagrams-at-once.ts';
import { becomeNonBlocking } from '../sockets/sockets.ts';
import { isUnreachable, systemError } from '../util/errors.ts';
import {
  addToBatch,
  beginBatch,
  endBatch,
  failReceive,
  finishReceive,
  peerOf,
  reportUnreachable,
  serveSoon,
  takeDatagram,
} from './datagram-delivery.ts';
import type { ReceiveFromRequest } from './datagram-requests.ts';
import type { DatagramSocket } from './datagram-socket.ts';
import { repost } from './receive-pool.ts';

/**
 * Datagrams that a socket takes in one turn by calls that answer at once: half a batch of packets, so that other sockets and timers
 * wait no longer for one that always has more than for a batch.
 */
const MAX_RECEIVES_PER_TURN = 64;
/**
 * Times that such a call finds nothing before a receive is posted: a peer that was just answered often speaks again at once, and a
 * receive that has to wait costs several calls more.
 */
const MAX_MISSES = 2;
/** Batches in a row at most that end with their first datagram although there may be more. */
const MAX_UNLOOKED = 16;

/**
 * More may have come behind the datagram that ended a receive. Where several receives are kept posted, those take what comes, and a call
 * that finds no datagram would only cost.
 */
export function mayReceiveOn(context: Context, socket: DatagramSocket): boolean {
  return socket.settings.depth === 1 && becomeNonBlocking(context, socket) === 0;
}

/** Goes on with calls that answer at once. @param request what the datagram is for: more of them where it is a batch */
export function receiveOn(
  context: Context,
  socket: DatagramSocket,
  operation: Operation,
  request: ReceiveFromRequest,
): void {
  socket.receivingOn = operation;
  socket.misses = 0;
  socket.receiveMore ??= () => receiveMore(context, socket);
  if (request.batchCallback === null || request.failure !== null) {
    context.loop.enqueue(socket.receiveMore);
    return;
  }
  fillBatch(context, socket, operation);
  context.loop.charge(context.datagrams.batch.count);
  context.loop.enqueueForNextTurn(socket.receiveMore);
}

/** Takes what is there, datagram by datagram, while somebody asks for them; a receive is posted again when nothing more comes. */
function receiveMore(context: Context, socket: DatagramSocket): void {
  const operation = socket.receivingOn;
  if (operation === null) return; // closed meanwhile
  const most = context.options.ticksBetweenCallbacks ? 1 : MAX_RECEIVES_PER_TURN;
  let received = 0;
  let over = false;
  try {
    while (received < most && socket.receivingOn === operation) {
      const count = receiveNext(context, socket, operation);
      over = count === 0;
      if (over) break;
      received += count;
    }
  } finally {
    // Also when a callback threw: the rest must not wait for ever.
    context.loop.charge(received);
    if (socket.receivingOn === operation) goOn(context, socket, operation, over);
  }
}

/** Looks again in the next turn, or posts the receive where that has found nothing either. */
function goOn(context: Context, socket: DatagramSocket, operation: Operation, over: boolean): void {
  if (over) socket.misses++;
  if (socket.misses < MAX_MISSES && socket.receiveMore !== null) {
    context.loop.enqueueForNextTurn(socket.receiveMore);
    return;
  }
  socket.receivingOn = null;
  repost(context, socket, operation);
}

/** Serves the first call that waits. Returns how many datagrams there were, or failures: 0 when there is none, or nobody asks. */
function receiveNext(context: Context, socket: DatagramSocket, operation: Operation): number {
  const request = socket.receives.first;
  if (request === null || socket.arrivals.length > 0) return 0;
  if (request.batchCallback !== null) return receiveBatch(context, socket, operation, request);
  return receiveOne(context, socket, operation);
}

function receiveOne(context: Context, socket: DatagramSocket, operation: Operation): number {
  const error = callAtOnce(context, socket, operation, operation.block?.address ?? 0);
  if (error === WSAEWOULDBLOCK) return 0;
  socket.misses = 0;
  if (hasReceived(error)) {
    const request = takeDatagram(context, socket, operation);
    if (request !== null) finishReceive(context, socket, request);
  } else if (isUnreachable(error)) {
    context.counters.unreachableReports++;
    if (socket.settings.reportUnreachable) reportUnreachable(context, socket, error);
  } else {
    const failure = systemError('receive', 'WSARecvFrom', error, causeOf(operation));
    operation.thrown = null;
    const request = socket.receives.shift();
    if (request !== null) failReceive(context, socket, request, failure);
  }
  return 1;
}

function receiveBatch(
  context: Context,
  socket: DatagramSocket,
  operation: Operation,
  request: ReceiveFromRequest,
): number {
  const { batch } = context.datagrams;
  const isReady = beginBatch(context, request);
  if (isReady) fillBatch(context, socket, operation);
  const { count } = batch;
  if (isReady && count === 0) {
    endBatch(context);
    return 0;
  }
  socket.misses = 0;
  socket.receives.shift();
  finishReceive(context, socket, request);
  return Math.max(1, count);
}

/**
 * Takes what is there into the batch, as long as that has room. A failure is told to the next call: the datagrams before it must not be
 * lost with it.
 */
function fillBatch(context: Context, socket: DatagramSocket, operation: Operation): void {
  const { batch } = context.datagrams;
  const { maxDatagramSize } = socket.settings;
  while (batch.hasRoom(maxDatagramSize) && (batch.count === 0 || looksForMore(socket))) {
    const error = intoBatch(context, socket, operation);
    if (error === 0) continue;
    if (error === WSAEWOULDBLOCK) return foundNoMore(socket, batch.count);
    const { counters } = context;
    if (isUnreachable(error)) counters.unreachableReports++;
    if (socket.settings.reportUnreachable || !isUnreachable(error)) socket.report = error;
    operation.thrown = null;
    return serveSoon(context, socket);
  }
}

/**
 * A peer that waits for its answer sends nothing more before the callback has run: looking for a second datagram then costs a call for
 * each first one. So after a look that was in vain the next ones are left out: 1, 2, 4 … MAX_UNLOOKED.
 */
function looksForMore(socket: DatagramSocket): boolean {
  if (socket.unlooked === 0) return true;
  socket.unlooked--;
  return false;
}

function foundNoMore(socket: DatagramSocket, count: number): void {
  if (count === 0) return; // and no callback will run
  socket.looksInVain = count === 1 ? Math.min(socket.looksInVain * 2, MAX_UNLOOKED) : 1;
  socket.unlooked = count === 1 ? socket.looksInVain : 0;
}

/** Receives one datagram at the end of the batch. Returns 0 or the error code. */
function intoBatch(context: Context, socket: DatagramSocket, operation: Operation): number {
  const { viewBlocks, datagrams, counters } = context;
  const { block } = operation;
  // Where the system is given no memory of V8's, the bytes are copied.
  const at = viewBlocks.lends ? datagrams.batch.address : (block?.address ?? 0);
  const error = callAtOnce(context, socket, operation, at);
  if (!hasReceived(error)) return error;
  const { bytes } = operation;
  counters.datagramsReceived++;
  counters.bytesReceived += bytes;
  addToBatch(context, viewBlocks.lends ? null : block, bytes, error !== 0, peerOf(context, socket, operation));
  return 0;
}

/** One that was cut off has been received, too. */
function hasReceived(error: number): boolean {
  return error === 0 || error === WSAEMSGSIZE;
}

/** Returns 0 or the error code; one for what was thrown before the call was made, as abandonOperation() has it. */
function callAtOnce(context: Context, socket: DatagramSocket, operation: Operation, address: number): number {
  const { operations } = context;
  operations.setSegment(operation, 0, address, operation.requested);
  try {
    const error = receiveFromAtOnce(context, socket.socket, operation);
    operation.error = error;
    // One that was cut off has filled its buffer, whatever count the system gives.
    operation.bytes = error === WSAEMSGSIZE ? operation.requested : bytesOfCall(context, operation);
    return error;
  } catch (thrown) {
    operation.thrown = thrown;
    return codeOfThrown(thrown);
  }
}
