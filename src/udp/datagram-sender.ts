/**
 * Sending datagrams: each in a WSASendTo of its own, up to SEND_DEPTH of them in the kernel at a time, submitted in the
 * order of the calls. What is beyond waits in the socket's queue with the user's own buffers; only what is submitted is
 * copied into pinned memory (a buffer from allocateBuffer() is sent from where it lies).
 *
 * On a socket that has met an ICMP "unreachable", some systems report it in the next send, which has nothing to do with
 * it and was not sent. Unless reportUnreachable asks for it, such a send is made again.
 */
import { isUint8Array } from 'node:util/types';
import { ERROR_OPERATION_ABORTED, WSAENOBUFS, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { SendToCallback } from '../pal/datagram.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { abandonOperation, causeOf } from '../sockets/abandon.ts';
import { classFor } from '../memory/block-pool.ts';
import { settleClose } from '../sockets/closer.ts';
import { sendOf, type SendToRequest } from './datagram-requests.ts';
import type { DatagramSocket } from './datagram-socket.ts';
import { removeRequest, captureOrigin, addRequest, type Context } from '../context/context.ts';
import {
  bufferDetached,
  connectionClosed,
  datagramQueueFull,
  isUnreachable,
  outOfSlots,
  queueFull,
  queuesFull,
  systemError,
} from '../util/errors.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import { byteLengthOf } from '../tcp/connection/requests.ts';
import { copyAllIn } from '../util/bytes.ts';
import { bytesOfCall, sendToAtOnce } from '../sockets/datagrams-at-once.ts';
import { becomeNonBlocking } from '../sockets/sockets.ts';
import type { ResolvedDestination } from '../sockets/socket-addresses.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';

/** Sends of one socket that the kernel holds at a time: enough to keep it busy, few enough to pin little. */
const SEND_DEPTH = 16;
/** Datagrams that may wait behind them: a bound for those that are so short that maxQueuedBytesPerSocket is none. */
const MAX_WAITING_SENDS = 65536;
/** Times that a datagram is submitted while the system answers with an earlier one's ICMP report. */
const MAX_ATTEMPTS = 4;

/** Sends `total` bytes as one datagram, or queues them. */
export function sendTo(
  context: Context,
  socket: DatagramSocket,
  data: Uint8Array | readonly Uint8Array[],
  total: number,
  destination: ResolvedDestination | null,
  options: OperationOptions | null,
  callback: SendToCallback,
): OperationHandle {
  let request: SendToRequest | null = null;
  let name: OperationHandle;
  let why: NetworkError | null;
  let operation: Operation | null = null;
  try {
    request = context.datagrams.takeSend(data, total, destination, callback);
    request.origin = captureOrigin(context);
    name = context.pendingCalls.begin(request, socket, options);
    // Only now is the socket looked at: the caller's own code may have run in there.
    why = whyOver(request, socket) ?? whyNotQueued(context, socket, total);
    if (why === null) {
      const now = socket.sends.length === 0 && socket.sending.length < SEND_DEPTH;
      operation = now ? context.operations.take(OperationKind.SendTo, socket) : null;
      if (operation === null && socket.sending.length === 0) why = outOfSlots(context.options.maxOperations);
    }
  } catch (error) {
    if (request !== null) context.datagrams.giveSend(request);
    throw error;
  }
  socket.queuedBytes += total;
  context.queuedBytes += total;
  addRequest(context, socket);
  if (why !== null) {
    answerSoon(context, socket, request, why);
    return NO_OPERATION;
  }
  if (operation === null) {
    socket.sends.push(request);
    return name;
  }
  socket.sending.push(operation);
  submit(context, socket, operation, request);
  return name;
}

/** Why a datagram of so many bytes is refused now, or null. (None is longer than a queue: the smallest limit is 65536.) */
function whyNotQueued(context: Context, socket: DatagramSocket, total: number): NetworkError | null {
  const { maxQueuedBytesPerSocket: limit, maxQueuedBytes } = context.options;
  if (socket.queuedBytes + total > limit) return queueFull(socket.queuedBytes, total, limit);
  if (context.queuedBytes + total > maxQueuedBytes) return queuesFull(context.queuedBytes, total, maxQueuedBytes);
  return socket.sends.length === MAX_WAITING_SENDS ? datagramQueueFull(MAX_WAITING_SENDS) : null;
}

/** Takes a send back: out of the queue at once, out of the kernel if it can still be cancelled there. */
export function cancelSend(
  context: Context,
  socket: DatagramSocket,
  request: SendToRequest,
  error: NetworkError,
): boolean {
  for (const operation of socket.sending) {
    if (operation.datagram !== request) continue;
    if (!operation.isInKernel) return false; // its outcome waits to be delivered
    request.cancellation = error;
    context.transport.cancelOperation(socket, operation);
    return true;
  }
  socket.sends.remove(request);
  answerSoon(context, socket, request, error);
  return true;
}

/** The socket has lost its connected peer: what was to go there still does, and to nobody who is connected to next. */
export function keepDestination(socket: DatagramSocket, peer: ResolvedDestination): void {
  for (const { datagram } of socket.sending) if (datagram !== null) datagram.destination ??= peer;
  for (const send of socket.sends) send.destination ??= peer;
}

export function completeSendTo(context: Context, socket: DatagramSocket, operation: Operation): void {
  const { bytes, error } = operation;
  const request = sendOf(operation);
  if (request === null) throw new Error('A datagram was sent for nobody. This is a bug in iocp-pal; please report it');
  if (request.isWithSystem) {
    request.isWithSystem = false;
    socket.sendsWithSystem--;
  }
  if (isUnreachable(error) && !socket.resetting && request.cancellation === null) {
    context.counters.unreachableReports++;
    if (!socket.settings.reportUnreachable && request.attempts < MAX_ATTEMPTS) {
      context.operations.reset(operation);
      transmit(context, socket, operation, request);
      return;
    }
  }
  if (error === 0) socket.unaskedCancels = 0;
  if (error === ERROR_OPERATION_ABORTED && request.cancellation === null && !socket.closing && mayPostAgain(socket)) {
    // Windows has cancelled it with another one of its socket. A datagram goes as a whole or not at all.
    context.operations.reset(operation);
    transmit(context, socket, operation, request);
    return;
  }
  context.operations.giveBuffers(operation);
  const failure = failureOf(socket, request, operation);
  if (failure === null) {
    context.counters.datagramsSent++;
    context.counters.bytesSent += bytes;
  }
  // The queue and the slot are brought in order before the callback runs: it may send, close or throw.
  const next = socket.sends.shift();
  if (next === null) {
    leaveSending(socket, operation);
    context.operations.release(operation);
  } else {
    context.operations.reset(operation);
    submit(context, socket, operation, next);
  }
  const { callback, total } = request;
  socket.queuedBytes -= total;
  context.queuedBytes -= total;
  context.datagrams.giveSend(request);
  removeRequest(context, socket);
  try {
    callback.finishTwo(failure, failure === null ? bytes : 0);
  } finally {
    settleClose(context, socket);
  }
}

/** The socket closes without a flush: what waits is answered, and what the kernel has is not waited for any more. */
export function dropSends(context: Context, socket: DatagramSocket): void {
  for (let request = socket.sends.shift(); request !== null; request = socket.sends.shift()) {
    answerSoon(context, socket, request, connectionClosed('send'));
  }
}

/** Answers a send that is in no queue any more, in a coming turn. */
function answerSoon(context: Context, socket: DatagramSocket, request: SendToRequest, error: NetworkError): void {
  const { callback, total } = request;
  socket.queuedBytes -= total;
  context.queuedBytes -= total;
  context.datagrams.giveSend(request);
  context.loop.enqueue(() => {
    removeRequest(context, socket);
    callback.finishTwo(error, 0);
  });
}

function failureOf(socket: DatagramSocket, request: SendToRequest, operation: Operation): NetworkError | null {
  const { error } = operation;
  if (error === 0) return null;
  if (request.cancellation !== null) return request.cancellation;
  if (error === ERROR_OPERATION_ABORTED && socket.closing) return connectionClosed('send');
  if (request.detachedAt >= 0) return bufferDetached('send', request.total, request.detachedAt);
  const to = request.destination ?? socket.peer;
  const where = to === null ? {} : { address: to.address, port: to.port };
  return systemError('send', 'WSASendTo', error, { ...where, ...causeOf(operation) });
}

function leaveSending({ sending }: DatagramSocket, operation: Operation): void {
  const place = sending.indexOf(operation);
  const last = sending.pop();
  if (place < 0 || last === undefined) {
    throw new Error('A datagram came back that was not under way. This is a bug in iocp-pal; please report it');
  }
  if (place < sending.length) sending[place] = last;
}

/** Brings a datagram's bytes where the kernel may read them, and sends it. */
function submit(context: Context, socket: DatagramSocket, operation: Operation, request: SendToRequest): void {
  operation.datagram = request;
  try {
    start(context, socket, operation, request);
  } catch (error) {
    abandonOperation(context, socket, operation, error);
  }
}

function start(context: Context, socket: DatagramSocket, operation: Operation, request: SendToRequest): void {
  operation.requested = request.total;
  const { data, total } = request;
  const pinnedAddress = isUint8Array(data) ? context.pinned.addressOf(data, total) : 0;
  if (pinnedAddress !== 0 && isUint8Array(data) && data.byteLength === total) {
    operation.lent = data;
    context.operations.setSegment(operation, 0, pinnedAddress, total);
  } else {
    const block = context.blocks.take(classFor(total));
    operation.block = block;
    if (block === null || block.size < total) {
      context.loop.completeSynchronously(operation, WSAENOBUFS, 0);
      return;
    }
    const there = copyDatagram(block.bytes, 0, data, total);
    if (there !== total) {
      request.detachedAt = there;
      context.loop.completeSynchronously(operation, WSAENOBUFS, 0);
      return;
    }
    context.operations.setSegment(operation, 0, block.address, total);
  }
  transmit(context, socket, operation, request);
}

function transmit(context: Context, socket: DatagramSocket, operation: Operation, request: SendToRequest): void {
  request.attempts++;
  try {
    if (sentAtOnce(context, socket, operation)) return;
    context.transport.sendTo(socket, operation);
    if (!operation.isInKernel) return;
    request.isWithSystem = true;
    socket.sendsWithSystem++;
  } catch (error) {
    abandonOperation(context, socket, operation, error);
  }
}

/**
 * Tries it with a call that answers at once: the system nearly always has room for a datagram, and a packet less is to be dequeued.
 * Not beside a send that the system still has, whose datagram goes first. (A transport that keeps no buffers tries by itself.)
 */
function sentAtOnce(context: Context, socket: DatagramSocket, operation: Operation): boolean {
  if (!context.transport.keepsBuffers || socket.sendsWithSystem > 0 || becomeNonBlocking(context, socket) !== 0) {
    return false;
  }
  operation.syscall = 'WSASendTo';
  const error = sendToAtOnce(context, socket.socket, operation);
  if (error === WSAEWOULDBLOCK) return false;
  context.loop.completeSynchronously(operation, error, bytesOfCall(context, operation));
  return true;
}

/** Copies all of `data`, unless its buffers have not `total` bytes any more. Returns the number of bytes they have. */
export function copyDatagram(
  target: Uint8Array,
  at: number,
  data: Uint8Array | readonly Uint8Array[],
  total: number,
): number {
  const there = byteLengthOf(data);
  if (there !== total) return there;
  return copyAllIn(target, at, data, total) ? total : 0;
}
