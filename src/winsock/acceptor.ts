/**
 * Accepting: a pool of accept operations per listening socket, that never dies.
 *
 * Connections that nobody has taken yet hold their place in the pool, so an owner who stops asking is not flooded: the
 * rest waits in the system's backlog.
 *
 * An accept that fails (the peer was gone before it was accepted, the process is out of sockets) is posted again, the
 * first time at once, then with growing pauses; the owner is told through onAcceptError, and the listener lives.
 */
import { Win32Error } from '../../ffi/check.ts';
import { INVALID_SOCKET, IPPROTO_TCP, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, TCP_NODELAY } from '../../ffi/constants.ts';
import { WSAENOBUFS, WSAENOTCONN } from '../../ffi/wsa-errors.ts';
import type { SocketHandle } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import type { AcceptCallback } from '../pal/network-pal.ts';
import { resetConnection, settleClose } from './closer.ts';
import { Connection } from './connection.ts';
import { callbackDue, captureOrigin, expectCallback, type Driver } from './driver.ts';
import { connectionClosed, kindOf, systemError } from './errors.ts';
import type { Listener } from './listener.ts';
import { OperationKind, type Operation } from './operation.ts';
import { look } from './watcher.ts';
import { discardSocket, setIntOption } from './sockets.ts';

/** Milliseconds before the second failed accept in a row is posted again; doubles up to the next. */
const FIRST_RETRY_MS = 10;
/** Milliseconds between attempts at most: how long a server takes to notice that it has sockets again. */
const MAX_RETRY_MS = 1000;
/**
 * Accepts in a row that may fail because their connection was gone, before the pool pauses for these too. Each takes a
 * dead connection out of the way, so pausing would let whoever connects and resets hold up everybody behind.
 */
const MAX_GONE_IN_A_ROW = 1024;
/** A handle that is none: what an accept callback gets with an error. */
export const NO_HANDLE = 0 as SocketHandle;

/** Takes the next connection, or waits for it. */
export function accept(driver: Driver, listener: Listener, callback: AcceptCallback): void {
  expectCallback(driver, listener);
  listener.waiting.push({ callback, origin: captureOrigin(driver) });
  if (listener.accepted.length > 0) {
    driver.loop.enqueue(() => {
      serve(driver, listener);
    });
  }
}

/** Posts as many accepts as the pool has places for. */
export function fillPool(driver: Driver, listener: Listener): void {
  if (listener.closing || listener.retryTimer !== null) return;
  while (listener.accepting.size + listener.accepted.length < listener.acceptDepth) {
    const operation = driver.operations.take(OperationKind.Accept, listener);
    if (operation === null) {
      failed(driver, listener, 'AcceptEx', WSAENOBUFS);
      return;
    }
    listener.accepting.add(operation);
    listener.inFlight++;
    try {
      post(driver, listener, operation);
    } catch (error) {
      if (!(error instanceof Win32Error)) throw error;
      retire(driver, listener, operation);
      failed(driver, listener, error.syscall, error.systemErrorCode);
      return;
    }
  }
}

/** AcceptEx came back. */
export function completeAccept(driver: Driver, listener: Listener, operation: Operation): void {
  const { error } = operation;
  if (listener.closing) {
    retire(driver, listener, operation);
    settleClose(driver, listener);
    return;
  }
  if (error !== 0) {
    retire(driver, listener, operation);
    failed(driver, listener, 'AcceptEx', error);
    return;
  }
  let connection: Connection;
  try {
    connection = adopt(driver, listener, operation);
  } catch (failure) {
    retire(driver, listener, operation);
    if (!(failure instanceof Win32Error)) throw failure;
    failed(driver, listener, failure.syscall, failure.systemErrorCode);
    return;
  }
  operation.acceptSocket = INVALID_SOCKET; // it is the connection's now
  retire(driver, listener, operation);
  listener.failures = 0;
  listener.gone = 0;
  listener.accepted.push(connection);
  driver.counters.accepted++;
  look(driver, listener);
  serve(driver, listener);
}

/** The listener closes: waiting accepts are answered, untaken connections reset. */
export function stopAccepting(driver: Driver, listener: Listener): void {
  if (listener.retryTimer !== null) driver.kernel.scheduler.clearTimer(listener.retryTimer);
  listener.retryTimer = null;
  for (let request = listener.waiting.shift(); request !== undefined; request = listener.waiting.shift()) {
    const { callback } = request;
    driver.loop.enqueue(() => {
      callbackDue(driver, listener);
      callback(connectionClosed('accept'), NO_HANDLE, null);
    });
  }
  for (let untaken = listener.accepted.shift(); untaken !== undefined; untaken = listener.accepted.shift()) {
    resetConnection(driver, untaken);
  }
}

/** Brings one waiting accept and one connection together, if there are both. */
function serve(driver: Driver, listener: Listener): void {
  if (listener.waiting.length === 0 || listener.accepted.length === 0) return;
  const request = listener.waiting.shift();
  const connection = listener.accepted.shift();
  if (request === undefined || connection === undefined) return;
  callbackDue(driver, listener);
  // Before the callback: it may throw, and the pool must not lose a place to that.
  fillPool(driver, listener);
  request.callback(null, connection.handle as SocketHandle, connection.peer);
}

function post(driver: Driver, listener: Listener, operation: Operation): void {
  operation.block = driver.blocks.take(0);
  if (operation.block === null) throw new Win32Error('AcceptEx', WSAENOBUFS);
  driver.transport.accept(listener, operation);
}

/** Makes a connection of what was accepted. Throws Win32Error, and the operation then still owns the socket. */
function adopt(driver: Driver, listener: Listener, operation: Operation): Connection {
  const peer = driver.transport.finishAccept(listener, operation);
  const { acceptSocket } = operation;
  const { noDelay, receiveBufferSize, sendBufferSize } = listener.options;
  if (noDelay) setIntOption(driver, acceptSocket, IPPROTO_TCP, TCP_NODELAY, 1, 'setsockopt(TCP_NODELAY)');
  if (receiveBufferSize !== undefined) {
    setIntOption(driver, acceptSocket, SOL_SOCKET, SO_RCVBUF, receiveBufferSize, 'setsockopt(SO_RCVBUF)');
  }
  if (sendBufferSize !== undefined) {
    setIntOption(driver, acceptSocket, SOL_SOCKET, SO_SNDBUF, sendBufferSize, 'setsockopt(SO_SNDBUF)');
  }
  const now = driver.kernel.scheduler.now();
  const connection = driver.sockets.add((handle) => new Connection(handle, listener.family, now, listener.origin));
  if (connection === null) throw new Win32Error('AcceptEx', WSAENOBUFS);
  connection.socket = acceptSocket;
  connection.connected = true;
  connection.peer = peer;
  try {
    driver.transport.attach(connection);
  } catch (error) {
    connection.socket = INVALID_SOCKET;
    driver.sockets.remove(connection);
    throw error;
  }
  return connection;
}

/** Counts and reports a failed accept, and makes sure that another attempt follows. */
function failed(driver: Driver, listener: Listener, syscall: string, code: number): void {
  driver.counters.acceptErrors++;
  const gone = kindOf('accept', code) === NetworkErrorCode.ConnectionReset || code === WSAENOTCONN;
  if (gone && listener.gone < MAX_GONE_IN_A_ROW) listener.gone++;
  else listener.failures++;
  if (listener.failures <= 1) {
    driver.loop.enqueue(() => {
      fillPool(driver, listener);
    });
  } else if (listener.retryTimer === null) {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** (listener.failures - 2), MAX_RETRY_MS);
    listener.retryTimer = driver.kernel.scheduler.setTimer(wait, () => {
      listener.retryTimer = null;
      fillPool(driver, listener);
    });
  }
  const report = listener.onAcceptError;
  if (report !== undefined) {
    driver.loop.enqueue(() => {
      report(systemError('accept', syscall, code));
    });
  }
}

function retire(driver: Driver, listener: Listener, operation: Operation): void {
  if (operation.acceptSocket !== INVALID_SOCKET) discardSocket(driver, operation.acceptSocket);
  if (operation.block !== null) driver.blocks.give(operation.block);
  listener.accepting.delete(operation);
  listener.inFlight--;
  driver.operations.release(operation);
}
