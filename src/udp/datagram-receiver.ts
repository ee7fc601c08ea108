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
import { ERROR_OPERATION_ABORTED, WSAEMSGSIZE } from '../../ffi/wsa-errors.ts';
import type { ReceiveBatchCallback, ReceiveFromCallback } from '../pal/datagram.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { causeOf } from '../sockets/abandon.ts';
import { settleClose } from '../sockets/closer.ts';
import { mayReceiveOn, receiveOn } from './datagram-bursts.ts';
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
import type { Operation } from '../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';
import { fillPool, release, repost } from './receive-pool.ts';

/** Queues a receive; the first one posts the pool. */
export function receiveFrom(
  context: Context,
  socket: DatagramSocket,
  target: Uint8Array,
  maxBytes: number,
  options: OperationOptions | null,
  callback: ReceiveFromCallback,
): OperationHandle {
  return queueReceive(context, socket, context.datagrams.takeReceive(target, maxBytes, callback), options);
}

/** Queues a receive of all that is there. */
export function receiveBatch(
  context: Context,
  socket: DatagramSocket,
  options: OperationOptions | null,
  callback: ReceiveBatchCallback,
): OperationHandle {
  return queueReceive(context, socket, context.datagrams.takeReceiveBatch(callback), options);
}

function queueReceive(
  context: Context,
  socket: DatagramSocket,
  request: ReceiveFromRequest,
  options: OperationOptions | null,
): OperationHandle {
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
      if (context.options.ticksBetweenCallbacks) break;
    }
    finished = operation?.held !== true;
  } finally {
    // A callback threw, or had this step for itself: the rest must not wait for the next packet.
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
    if (request === null || !mayReceiveOn(context, socket)) repost(context, socket, operation);
    else receiveOn(context, socket, operation, request);
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
