/**
 * Accepting: connections from the pool of accepts (accept-pool.ts) meet those who wait for one.
 *
 * Connections that nobody has taken yet hold their place in the pool, so an owner who stops asking is not flooded: the
 * rest waits in the system's backlog. A connection beyond the server's limits is closed with RST before anybody sees it.
 */
import { Win32Error } from '../../../ffi/check.ts';
import { INVALID_SOCKET, IPPROTO_TCP, TCP_NODELAY } from '../../../ffi/constants.ts';
import { ERROR_OPERATION_ABORTED, WSAENOBUFS } from '../../../ffi/wsa-errors.ts';
import type { Endpoint, SocketHandle } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { AcceptCallback } from '../../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../../pal/pending-operation.ts';
import {
  acceptFailed,
  connectionTaken,
  fillPool,
  releaseAccept,
  stopPool,
  cancelPostedAccepts,
} from './accept-pool.ts';
import { NO_ENDPOINT } from '../../sockets/addresses.ts';
import { attach } from '../../sockets/association.ts';
import { setBufferSizes } from '../../sockets/bind-options.ts';
import { treatmentOf } from '../../proxy-protocol/proxy-settings.ts';
import { AcceptedBy, ProxiedBy } from './accepted-by.ts';
import { associateServer } from './server-association.ts';
import { abort, settleClose } from '../../sockets/closer.ts';
import type { Connection } from '../connection/connection.ts';
import { addConnection } from '../connection-kind.ts';
import { removePendingCallback, captureOrigin, addPendingCallback, type Context } from '../../context/context.ts';
import { connectionClosed } from '../../util/errors.ts';
import type { Listener } from './listener.ts';
import { notifyLimit, refusedBy } from './limit-notices.ts';
import { awaitHeader, refuseStranger, stopAwaitingHeaders } from './proxy-headers.ts';
import type { Operation } from '../../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../../sockets/pending-call.ts';
import { AcceptRequest } from '../connection/requests.ts';
import { setIntOption } from '../../sockets/sockets.ts';
import { nobodyTook, type Distributor } from './distributor.ts';
import { mayPostAgain } from '../../sockets/unasked-cancels.ts';

/** A handle that is none: what an accept callback gets with an error. */
export const NO_HANDLE = 0 as SocketHandle;
/** Accepts posted after a connection was taken: its own place, and one more for a pool that is growing. */
const POSTS_PER_CONNECTION = 2;

/** Takes the next connection, or waits for it. */
export function accept(
  context: Context,
  listener: Listener,
  options: OperationOptions | null,
  callback: AcceptCallback,
): OperationHandle {
  beginAccepting(context, listener);
  const request = new AcceptRequest(callback, captureOrigin(context));
  const name = context.pendingCalls.begin(request, listener, options);
  const why = whyOver(request, listener);
  addPendingCallback(context, listener);
  if (why !== null) {
    answer(context, listener, request, why);
    return NO_OPERATION;
  }
  listener.waiting.push(request);
  if (listener.accepted.length > 0) {
    context.loop.enqueue(() => serve(context, listener));
  }
  return name;
}

/** Takes a waiting accept back. The connection that it would have got is the next one's. */
export function cancelAccept(
  context: Context,
  listener: Listener,
  request: AcceptRequest,
  error: NetworkError,
): boolean {
  listener.waiting.remove(request);
  answer(context, listener, request, error);
  return true;
}

/** Starts the pool of a server that has waited with it (deferAssociation). Throws NetworkError. */
export function beginAccepting(context: Context, listener: Listener): void {
  if (listener.associated) return;
  associateServer(context, listener);
  fillPool(context, listener);
}

/** For tryAccept: takes a connection that is there, or answers null. */
export function takeAccepted(context: Context, listener: Listener): SocketHandle | null {
  const connection = listener.paused ? undefined : nextUntaken(context, listener);
  if (connection === undefined) return null;
  connectionTaken(context, listener);
  fillPool(context, listener, POSTS_PER_CONNECTION);
  return connection.handle as SocketHandle;
}

export function completeAccept(context: Context, listener: Listener, operation: Operation): void {
  const { error } = operation;
  if (listener.closing) {
    if (error === 0 && listener.socket !== INVALID_SOCKET) readyForReset(context, listener, operation);
    releaseAccept(context, listener, operation);
    settleClose(context, listener);
    return;
  }
  if (error !== 0) {
    const isCancelled = listener.cancelledAccepts.has(operation);
    releaseAccept(context, listener, operation);
    // Cancelled by the pool, or by Windows together with one that was: no connection is lost. Its place may be free for another, since
    // the pool may have been resumed meanwhile. A system that cancels every accept is one that fails: there are pauses then.
    const isHarmless =
      error === ERROR_OPERATION_ABORTED && (isCancelled || mayPostAgain(listener, listener.depth.current));
    if (isHarmless) fillPool(context, listener);
    else acceptFailed(context, listener, 'AcceptEx', error);
    return;
  }
  let connection: Connection | null;
  try {
    connection = listener.distributor === null ? acceptedConnection(context, listener, operation) : null;
    if (listener.distributor !== null) spread(context, listener, listener.distributor, operation);
  } catch (failure) {
    releaseAccept(context, listener, operation);
    if (!(failure instanceof Win32Error)) throw failure;
    acceptFailed(context, listener, failure.syscall, failure.systemErrorCode);
    return;
  }
  if (connection !== null) {
    operation.acceptSocket = INVALID_SOCKET; // it is the connection's now
    listener.spares?.forget(connection.socket);
  }
  releaseAccept(context, listener, operation);
  listener.failures = 0;
  listener.gone = 0;
  listener.unaskedCancels = 0;
  if (connection === null) {
    connectionTaken(context, listener);
    fillPool(context, listener, POSTS_PER_CONNECTION);
    return;
  }
  if (listener.unnamed.has(connection)) {
    fillPool(context, listener, POSTS_PER_CONNECTION);
    awaitHeader(context, listener, connection, arrive);
    return;
  }
  arrive(context, listener, connection);
}

/** A connection is ready for whoever asks for one. */
function arrive(context: Context, listener: Listener, connection: Connection): void {
  listener.accepted.push(connection);
  context.counters.accepted++;
  listener.watch?.scheduleCheck();
  serve(context, listener);
}

/** New connections wait in the system's backlog, until resumeAccepting. */
export function pauseAccepting(context: Context, listener: Listener): void {
  if (listener.paused) return;
  listener.paused = true;
  cancelPostedAccepts(context, listener, listener.accepting.size);
}

/** Hands out what has come before the pause, and accepts again. */
export function resumeAccepting(context: Context, listener: Listener): void {
  if (!listener.paused) return;
  listener.paused = false;
  fillPool(context, listener);
  listener.watch?.scheduleCheck();
  for (let pairs = Math.min(listener.waiting.length, listener.accepted.length); pairs > 0; pairs--) {
    context.loop.enqueue(() => serve(context, listener));
  }
}

/** The listener closes: waiting accepts are answered, untaken connections reset. */
export function stopAccepting(context: Context, listener: Listener): void {
  stopPool(context, listener);
  if (listener.distributor !== null) {
    listener.distributor = null;
    removePendingCallback(context, listener);
  }
  for (let request = listener.waiting.shift(); request !== null; request = listener.waiting.shift()) {
    answer(context, listener, request, connectionClosed('accept'));
  }
  for (let untaken = listener.accepted.shift(); untaken !== undefined; untaken = listener.accepted.shift()) {
    abort(context, untaken);
  }
  stopAwaitingHeaders(context, listener);
}

function answer(context: Context, listener: Listener, request: AcceptRequest, error: NetworkError): void {
  context.pendingCalls.end(request);
  context.loop.enqueue(() => {
    removePendingCallback(context, listener);
    request.callback(error, NO_HANDLE, NO_ENDPOINT, NO_ENDPOINT);
  });
}

/** The oldest connection that nobody has taken. inspect() shows the handles of these: one may have been closed by it. */
function nextUntaken(context: Context, listener: Listener): Connection | undefined {
  const { accepted } = listener;
  let connection = accepted.shift();
  if (connection?.closing !== true) return connection;
  while (connection?.closing === true) connection = accepted.shift();
  fillPool(context, listener);
  return connection;
}

/** Brings one waiting accept and one connection together, if there are both. */
function serve(context: Context, listener: Listener): void {
  if (listener.paused || listener.waiting.length === 0 || listener.accepted.length === 0) return;
  const connection = nextUntaken(context, listener);
  const request = connection === undefined ? null : listener.waiting.shift();
  if (request === null || connection === undefined) return;
  const { handle, peer, local } = connection;
  context.pendingCalls.end(request);
  removePendingCallback(context, listener);
  // Before the callback: it may throw, and the pool must not lose a place to that.
  connectionTaken(context, listener);
  fillPool(context, listener, POSTS_PER_CONNECTION);
  request.callback(null, handle as SocketHandle, peer ?? NO_ENDPOINT, local ?? NO_ENDPOINT);
}

/**
 * Makes a connection of what was accepted; null when it is beyond a limit, and the operation then still owns the socket,
 * as after a throw.
 * @throws Win32Error
 */
function acceptedConnection(context: Context, listener: Listener, operation: Operation): Connection | null {
  const { peer, local } = context.transport.finishAccept(listener, operation);
  const address = peer?.address ?? '';
  const now = context.platform.scheduler.now();
  const treatment = listener.proxy === null ? 'plain' : treatmentOf(listener.proxy, peer ?? NO_ENDPOINT);
  if (treatment === 'refuse') {
    refuseStranger(context, listener, peer ?? NO_ENDPOINT, now);
    return null;
  }
  // Whose it is the header will say: until then it counts for the server alone.
  const countsFor = treatment === 'header' ? null : address;
  if (isRefused(context, listener, address, countsFor, now)) return null;
  setAcceptedOptions(context, listener, operation.acceptSocket);
  const connection = makeConnection(context, listener, operation.acceptSocket, peer, local);
  listener.limits.opened(countsFor, now);
  if (treatment === 'header') {
    const acceptedBy = new ProxiedBy(listener);
    connection.server = acceptedBy;
    listener.unnamed.set(connection, acceptedBy);
  }
  notifyPause(context, listener, address, now);
  return connection;
}

/**
 * Hands what was accepted to another loop, which owns the socket then. When none takes it, or it is beyond a limit, the
 * operation still owns it.
 * @throws Win32Error
 */
function spread(context: Context, listener: Listener, distributor: Distributor, operation: Operation): void {
  const { peer, local } = context.transport.finishAccept(listener, operation);
  const address = peer?.address ?? '';
  const now = context.platform.scheduler.now();
  if (isRefused(context, listener, address, address, now)) return;
  setAcceptedOptions(context, listener, operation.acceptSocket);
  context.counters.accepted++;
  if (distributor.hand(operation.acceptSocket, { family: listener.family, peer, local })) {
    operation.acceptSocket = INVALID_SOCKET;
    // It counts for the rate, and is nobody's of this loop.
    listener.limits.opened(address, now);
    listener.limits.closed(address);
    notifyPause(context, listener, address, now);
    return;
  }
  const report = listener.onAcceptError;
  if (report !== undefined) context.loop.enqueue(() => report(nobodyTook(peer)));
}

/**
 * The listening socket is about to be closed. What its accepts have brought, and nobody has heard of yet, gets its context while
 * there is a SOCKET to have it from.
 */
export function prepareResets(context: Context, listener: Listener): void {
  for (const operation of listener.operations()) {
    if (context.operations.hasSucceeded(operation)) readyForReset(context, listener, operation);
  }
}

/** Gives a connection that nobody will get its context: without it the socket would not heed SO_LINGER, and send FIN. */
function readyForReset(context: Context, listener: Listener, operation: Operation): void {
  try {
    context.transport.finishAccept(listener, operation);
  } catch (failure) {
    // Its peer may have gone.
    if (!(failure instanceof Win32Error)) throw failure;
  }
}

/** @param address of the peer. @param countsFor the one that it counts for, null while that is not known */
function isRefused(
  context: Context,
  listener: Listener,
  address: string,
  countsFor: string | null,
  now: number,
): boolean {
  const refusal = listener.limits.refusal(countsFor, now);
  if (refusal === null) return false;
  refusedBy(context, listener, refusal, address);
  notifyPause(context, listener, address, now);
  return true;
}

/** Says so when what has just come took the last place. (Every accept is posted under a place: there was one before.) */
function notifyPause(context: Context, listener: Listener, address: string, now: number): void {
  const blocked = listener.limits.blockedBy(now);
  if (blocked !== null) notifyLimit(context, listener, blocked, false, address);
}

function setAcceptedOptions(context: Context, listener: Listener, socket: number): void {
  if (listener.options.noDelay) setIntOption(context, socket, IPPROTO_TCP, TCP_NODELAY, 1, 'setsockopt(TCP_NODELAY)');
  setBufferSizes(context, socket, listener.options);
}

function makeConnection(
  context: Context,
  listener: Listener,
  socket: number,
  peer: Endpoint | null,
  local: Endpoint | null,
): Connection {
  const connection = addConnection(context, listener.family, listener.origin);
  if (connection === null) throw new Win32Error('AcceptEx', WSAENOBUFS);
  connection.socket = socket;
  connection.connected = true;
  connection.peer = listener.named(peer);
  connection.local = listener.oneOf(local);
  // A peer that the system has not named yet may be known later: that is no name to count it under.
  if (peer === null) connection.server = new AcceptedBy(listener, '');
  else connection.server = listener.acceptedBy ??= new AcceptedBy(listener, null);
  const key = listener.spares?.keyOf(socket);
  if (key !== undefined) {
    // It has been on the port since its first connection, for good.
    connection.useKey(key);
    connection.associated = true;
    context.counters.reused++;
    return connection;
  }
  try {
    if (!listener.options.deferAssociation) attach(context, connection);
  } catch (error) {
    connection.socket = INVALID_SOCKET;
    context.sockets.remove(connection);
    throw error;
  }
  return connection;
}
