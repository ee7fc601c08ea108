/**
 * Receiving datagrams: one receive per socket is posted (more where receiveDepth asks for them), from the first asyncReceiveFrom on.
 *
 *   WSARecvFrom ──► packet ──► the oldest asyncReceiveFrom       (nobody waits: kept, in datagram-delivery.ts)
 *        ▲                └──► further ones by calls that answer at once, as long as there are any and somebody asks for them
 *        └── posted again when there are no more
 *
 * A burst so costs one packet, and each further datagram one call. These calls are made only while no receive of the socket is
 * posted: the system fills what is posted first, and a call beside it would find what came later.
 *
 * Several that are posted are filled in the order in which they were posted, but their packets may overtake one another; so each is
 * handled in the order of posting, and a packet that came too early waits for the one before it, which is on its way. They
 * are posted again before any callback runs. Each receive has a block of its own, by default larger than any datagram: what is
 * longer than a block is cut off by the system and lost.
 *
 * Reception does not end. An ICMP "unreachable" about something sent earlier is not the receiver's error, and is reported only
 * where reportUnreachable asks for it. Any other failure answers one asyncReceiveFrom, and the pool is filled again as
 * long as somebody waits.
 */
import { ERROR_OPERATION_ABORTED, WSAEMSGSIZE, WSAENOBUFS, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { ReceiveFromCallback } from '../pal/datagram.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { abandonOperation, causeOf, codeOfThrown } from '../sockets/abandon.ts';
import { bytesOfCall, receiveFromAtOnce } from '../sockets/datagrams-at-once.ts';
import { classFor } from '../memory/block-pool.ts';
import { settleClose } from '../sockets/closer.ts';
import {
  answerReceiveSoon,
  failReceive,
  finishReceive,
  reportUnreachable,
  serveSoon,
  stopDelivering,
  takeDatagram,
} from './datagram-delivery.ts';
import type { ReceiveFromRequest } from './datagram-requests.ts';
import type { DatagramSocket } from './datagram-socket.ts';
import { captureOrigin, addPendingCallback, type Context } from '../context/context.ts';
import { isUnreachable, outOfSlots, systemError } from '../util/errors.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import { becomeNonBlocking } from '../sockets/sockets.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';

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
    answerReceiveSoon(context, socket, request, why);
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
  answerReceiveSoon(context, socket, request, error);
  return true;
}

/** What a receive gets that would be the first one, when nothing can be posted for it. */
function whyNoSlot({ operations, options }: Context, { receiving }: DatagramSocket): NetworkError | null {
  return receiving.size === 0 && operations.free === 0 ? outOfSlots(options.maxOperations) : null;
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
    const request = takeDatagram(context, socket, operation);
    // Before the callback: it may throw, and the pool must not lose a place to that.
    if (request === null || !receiveOn(context, socket, operation)) repost(context, socket, operation);
    if (request !== null) finishReceive(context, socket, request);
  } else if (error === ERROR_OPERATION_ABORTED && !socket.closing && mayPostAgain(socket)) {
    repost(context, socket, operation); // nobody takes one back: Windows has cancelled it with a send of its socket
  } else if (isUnreachable(error)) {
    context.counters.unreachableReports++;
    repost(context, socket, operation);
    if (socket.settings.reportUnreachable) reportUnreachable(context, socket, error);
  } else {
    const failure = systemError('receive', 'WSARecvFrom', error, causeOf(operation));
    release(context, socket, operation);
    const request = socket.receives.shift();
    if (socket.receives.length > 0) fillPool(context, socket);
    if (request !== null) failReceive(context, socket, request, failure);
  }
}

/** The socket closes. */
export function stopReceiving(context: Context, socket: DatagramSocket): void {
  stopDelivering(context, socket);
  for (let operation = socket.posted.shift(); operation !== undefined; operation = socket.posted.shift()) {
    if (operation.held) release(context, socket, operation);
  }
  const { receivingOn } = socket;
  socket.receivingOn = null;
  if (receivingOn !== null) release(context, socket, receivingOn);
}

/**
 * Goes on with calls that answer at once: more may have come behind the datagram that ended this receive. Where several receives
 * are kept posted, those take what comes, and a call that finds no datagram would only cost.
 * @returns false where it cannot
 */
function receiveOn(context: Context, socket: DatagramSocket, operation: Operation): boolean {
  if (socket.settings.depth > 1 || becomeNonBlocking(context, socket) !== 0) return false;
  socket.receivingOn = operation;
  socket.misses = 0;
  socket.receiveMore ??= () => receiveMore(context, socket);
  context.loop.enqueue(socket.receiveMore);
  return true;
}

/** Takes what is there, datagram by datagram, while somebody asks for them; a receive is posted again when nothing more comes. */
function receiveMore(context: Context, socket: DatagramSocket): void {
  const operation = socket.receivingOn;
  if (operation === null) return; // closed meanwhile
  let received = 0;
  let over = false;
  try {
    while (received < MAX_RECEIVES_PER_TURN && socket.receivingOn === operation) {
      if (!receiveOne(context, socket, operation)) {
        over = true;
        break;
      }
      received++;
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

/** Returns false when there is none, or nobody asks. */
function receiveOne(context: Context, socket: DatagramSocket, operation: Operation): boolean {
  if (socket.receives.length === 0 || socket.arrivals.length > 0) return false;
  const error = callAtOnce(context, socket, operation);
  if (error === WSAEWOULDBLOCK) return false;
  socket.misses = 0;
  if (error === 0 || error === WSAEMSGSIZE) {
    operation.error = error;
    operation.bytes = bytesOfCall(context, operation);
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
  return true;
}

/** Returns 0 or the error code; one for what was thrown before the call was made, as abandonOperation() has it. */
function callAtOnce(context: Context, socket: DatagramSocket, operation: Operation): number {
  try {
    return receiveFromAtOnce(context, socket.socket, operation);
  } catch (thrown) {
    operation.thrown = thrown;
    return codeOfThrown(thrown);
  }
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
