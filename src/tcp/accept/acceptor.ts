/**
 * Accepting: connections from the pool of accepts (accept-pool.ts) meet those who wait for one.
 *
 * Connections that nobody has taken yet hold their place in the pool, so an owner who stops asking is not flooded: the
 * rest waits in the system's backlog. A connection beyond the server's limits is closed with RST before anybody sees it.
 */
import { Win32Error } from '../../../ffi/check.ts';
import { INVALID_SOCKET, IPPROTO_TCP, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, TCP_NODELAY } from '../../../ffi/constants.ts';
import { ERROR_OPERATION_ABORTED, WSAENOBUFS } from '../../../ffi/wsa-errors.ts';
import type { Endpoint, SocketHandle } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { AcceptCallback } from '../../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../../pal/pending-operation.ts';
import type { AcceptLimit } from '../../pal/server-options.ts';
import { acceptFailed, connectionTaken, fillPool, retireAccept, stopPool, withdrawAccepts } from './accept-pool.ts';
import { attach } from '../../sockets/association.ts';
import { AcceptedBy } from './accepted-by.ts';
import { associateServer } from './server-association.ts';
import { abort, settleClose } from '../../sockets/closer.ts';
import type { Connection } from '../connection.ts';
import { addConnection } from '../connection-kind.ts';
import { callbackDue, captureOrigin, expectCallback, type Driver } from '../../context/context.ts';
import { connectionClosed } from '../../util/errors.ts';
import type { Listener } from './listener.ts';
import type { Operation } from '../../memory/operation.ts';
import { NO_OPERATION, whyOver } from '../../sockets/pending-call.ts';
import { AcceptRequest } from '../requests.ts';
import { setIntOption } from '../../sockets/sockets.ts';
import { nobodyTook, type Spreader } from './spreader.ts';
import { mayPostAgain } from '../../sockets/unasked-cancels.ts';

/** A handle that is none: what an accept callback gets with an error. */
export const NO_HANDLE = 0 as SocketHandle;
/** Accepts posted after a connection was taken: its own place, and one more for a pool that is growing. */
const POSTS_PER_CONNECTION = 2;

/** Takes the next connection, or waits for it. */
export function accept(
  driver: Driver,
  listener: Listener,
  options: OperationOptions | null,
  callback: AcceptCallback,
): OperationHandle {
  beginAccepting(driver, listener);
  const request = new AcceptRequest(callback, captureOrigin(driver));
  const name = driver.calls.begin(request, listener, options);
  const why = whyOver(request, listener);
  expectCallback(driver, listener);
  if (why !== null) {
    answer(driver, listener, request, why);
    return NO_OPERATION;
  }
  listener.waiting.push(request);
  if (listener.accepted.length > 0) {
    driver.loop.enqueue(() => {
      serve(driver, listener);
    });
  }
  return name;
}

/** Takes a waiting accept back. The connection that it would have got is the next one's. */
export function revokeAccept(driver: Driver, listener: Listener, request: AcceptRequest, error: NetworkError): boolean {
  listener.waiting.remove(request);
  answer(driver, listener, request, error);
  return true;
}

/** Starts the pool of a server that has waited with it (deferAssociation). Throws NetworkError. */
export function beginAccepting(driver: Driver, listener: Listener): void {
  if (listener.associated) return;
  associateServer(driver, listener);
  fillPool(driver, listener);
}

/** The readiness face: takes a connection that is there, or answers null. */
export function takeAccepted(driver: Driver, listener: Listener): SocketHandle | null {
  const connection = listener.paused ? undefined : nextUntaken(driver, listener);
  if (connection === undefined) return null;
  connectionTaken(driver, listener);
  fillPool(driver, listener, POSTS_PER_CONNECTION);
  return connection.handle as SocketHandle;
}

/** AcceptEx came back. */
export function completeAccept(driver: Driver, listener: Listener, operation: Operation): void {
  const { error } = operation;
  if (listener.closing) {
    if (error === 0) readyForReset(driver, listener, operation);
    retireAccept(driver, listener, operation);
    settleClose(driver, listener);
    return;
  }
  if (error !== 0) {
    const withdrawn = listener.withdrawn.has(operation);
    retireAccept(driver, listener, operation);
    // Withdrawn, or cancelled by Windows with one that was: no connection is lost. Its place may be free for another, since
    // the pool may have been resumed meanwhile. A system that cancels every accept is one that fails: there are pauses then.
    const isHarmless =
      error === ERROR_OPERATION_ABORTED && (withdrawn || mayPostAgain(listener, listener.depth.current));
    if (isHarmless) fillPool(driver, listener);
    else acceptFailed(driver, listener, 'AcceptEx', error);
    return;
  }
  let connection: Connection | null;
  try {
    connection = listener.spreader === null ? adopt(driver, listener, operation) : null;
    if (listener.spreader !== null) spread(driver, listener, listener.spreader, operation);
  } catch (failure) {
    retireAccept(driver, listener, operation);
    if (!(failure instanceof Win32Error)) throw failure;
    acceptFailed(driver, listener, failure.syscall, failure.systemErrorCode);
    return;
  }
  if (connection !== null) {
    operation.acceptSocket = INVALID_SOCKET; // it is the connection's now
    listener.spares?.forget(connection.socket);
  }
  retireAccept(driver, listener, operation);
  listener.failures = 0;
  listener.gone = 0;
  listener.unaskedCancels = 0;
  if (connection === null) {
    connectionTaken(driver, listener);
    fillPool(driver, listener, POSTS_PER_CONNECTION);
    return;
  }
  listener.accepted.push(connection);
  driver.counters.accepted++;
  listener.watch?.scheduleCheck();
  serve(driver, listener);
}

/** New connections wait in the system's backlog, until resumeAccepting. */
export function pauseAccepting(driver: Driver, listener: Listener): void {
  if (listener.paused) return;
  listener.paused = true;
  withdrawAccepts(driver, listener, listener.accepting.size);
}

/** Hands out what has come before the pause, and accepts again. */
export function resumeAccepting(driver: Driver, listener: Listener): void {
  if (!listener.paused) return;
  listener.paused = false;
  fillPool(driver, listener);
  listener.watch?.scheduleCheck();
  for (let pairs = Math.min(listener.waiting.length, listener.accepted.length); pairs > 0; pairs--) {
    driver.loop.enqueue(() => {
      serve(driver, listener);
    });
  }
}

/** The listener closes: waiting accepts are answered, untaken connections reset. */
export function stopAccepting(driver: Driver, listener: Listener): void {
  stopPool(driver, listener);
  if (listener.spreader !== null) {
    listener.spreader = null;
    callbackDue(driver, listener);
  }
  for (let request = listener.waiting.shift(); request !== null; request = listener.waiting.shift()) {
    answer(driver, listener, request, connectionClosed('accept'));
  }
  for (let untaken = listener.accepted.shift(); untaken !== undefined; untaken = listener.accepted.shift()) {
    abort(driver, untaken);
  }
}

function answer(driver: Driver, listener: Listener, request: AcceptRequest, error: NetworkError): void {
  driver.calls.end(request);
  driver.loop.enqueue(() => {
    callbackDue(driver, listener);
    request.callback(error, NO_HANDLE, null);
  });
}

/** The oldest connection that nobody has taken. inspect() tells the handles of these: one may have been closed by it. */
function nextUntaken(driver: Driver, listener: Listener): Connection | undefined {
  const { accepted } = listener;
  let connection = accepted.shift();
  if (connection?.closing !== true) return connection;
  while (connection?.closing === true) connection = accepted.shift();
  fillPool(driver, listener);
  return connection;
}

/** Brings one waiting accept and one connection together, if there are both. */
function serve(driver: Driver, listener: Listener): void {
  if (listener.paused || listener.waiting.length === 0 || listener.accepted.length === 0) return;
  const connection = nextUntaken(driver, listener);
  const request = connection === undefined ? null : listener.waiting.shift();
  if (request === null || connection === undefined) return;
  driver.calls.end(request);
  callbackDue(driver, listener);
  // Before the callback: it may throw, and the pool must not lose a place to that.
  connectionTaken(driver, listener);
  fillPool(driver, listener, POSTS_PER_CONNECTION);
  request.callback(null, connection.handle as SocketHandle, connection.peer);
}

/**
 * Makes a connection of what was accepted; null when it is beyond a limit, and the operation then still owns the socket,
 * as after a throw.
 * @throws Win32Error
 */
function adopt(driver: Driver, listener: Listener, operation: Operation): Connection | null {
  const peer = driver.transport.finishAccept(listener, operation);
  const address = peer?.address ?? '';
  const now = driver.kernel.scheduler.now();
  if (isRefused(driver, listener, address, now)) return null;
  setAcceptedOptions(driver, listener, operation.acceptSocket);
  const connection = makeConnection(driver, listener, operation.acceptSocket, peer);
  listener.limits.opened(address, now);
  tellPause(driver, listener, address, now);
  return connection;
}

/**
 * Hands what was accepted to another loop, which owns the socket then. When none takes it, or it is beyond a limit, the
 * operation still owns it.
 * @throws Win32Error
 */
function spread(driver: Driver, listener: Listener, spreader: Spreader, operation: Operation): void {
  const peer = driver.transport.finishAccept(listener, operation);
  const address = peer?.address ?? '';
  const now = driver.kernel.scheduler.now();
  if (isRefused(driver, listener, address, now)) return;
  setAcceptedOptions(driver, listener, operation.acceptSocket);
  driver.counters.accepted++;
  if (spreader.hand(operation.acceptSocket, listener.family, peer)) {
    operation.acceptSocket = INVALID_SOCKET;
    // It counts for the rate, and is nobody's of this loop.
    listener.limits.opened(address, now);
    listener.limits.closed(address);
    tellPause(driver, listener, address, now);
    return;
  }
  const report = listener.onAcceptError;
  if (report !== undefined) driver.loop.enqueue(() => report(nobodyTook(peer)));
}

/** Gives a connection that nobody will get its context: without it the socket would not heed SO_LINGER, and send FIN. */
function readyForReset(driver: Driver, listener: Listener, operation: Operation): void {
  try {
    driver.transport.finishAccept(listener, operation);
  } catch (failure) {
    // Its peer may have gone.
    if (!(failure instanceof Win32Error)) throw failure;
  }
}

function isRefused(driver: Driver, listener: Listener, address: string, now: number): boolean {
  const refusal = listener.limits.refusal(address, now);
  if (refusal === null) return false;
  driver.counters.refused++;
  tellLimit(driver, listener, refusal, true, address);
  tellPause(driver, listener, address, now);
  return true;
}

/** Says so when what has just come took the last place. (Every accept is posted under a place: there was one before.) */
function tellPause(driver: Driver, listener: Listener, address: string, now: number): void {
  const blocked = listener.limits.blockedBy(now);
  if (blocked !== null) tellLimit(driver, listener, blocked, false, address);
}

function setAcceptedOptions(driver: Driver, listener: Listener, socket: number): void {
  const { noDelay, receiveBufferSize, sendBufferSize } = listener.options;
  if (noDelay) setIntOption(driver, socket, IPPROTO_TCP, TCP_NODELAY, 1, 'setsockopt(TCP_NODELAY)');
  if (receiveBufferSize !== undefined) {
    setIntOption(driver, socket, SOL_SOCKET, SO_RCVBUF, receiveBufferSize, 'setsockopt(SO_RCVBUF)');
  }
  if (sendBufferSize !== undefined) {
    setIntOption(driver, socket, SOL_SOCKET, SO_SNDBUF, sendBufferSize, 'setsockopt(SO_SNDBUF)');
  }
}

function makeConnection(driver: Driver, listener: Listener, socket: number, peer: Endpoint | null): Connection {
  const connection = addConnection(driver, listener.family, listener.origin);
  if (connection === null) throw new Win32Error('AcceptEx', WSAENOBUFS);
  connection.socket = socket;
  connection.connected = true;
  connection.peer = peer;
  connection.server = new AcceptedBy(listener, peer?.address ?? '');
  const key = listener.spares?.keyOf(socket);
  if (key !== undefined) {
    // It has been on the port since its first connection, for good.
    connection.useKey(key);
    connection.associated = true;
    driver.counters.reused++;
    return connection;
  }
  try {
    if (!listener.options.deferAssociation) attach(driver, connection);
  } catch (error) {
    connection.socket = INVALID_SOCKET;
    driver.sockets.remove(connection);
    throw error;
  }
  return connection;
}

function tellLimit(
  driver: Driver,
  { onLimit, limits }: Listener,
  reason: AcceptLimit,
  refused: boolean,
  address: string,
): void {
  if (onLimit === undefined) return;
  const event = { reason, refused, address, connections: limits.open };
  driver.loop.enqueue(() => {
    onLimit(event);
  });
}
