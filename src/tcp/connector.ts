/**
 * Connecting: a socket, bound, and one connect operation on it.
 *
 * The record exists from the call on, so that closeSocket can abandon the attempt; a failed attempt closes it. A socket
 * whose connect failed cannot be used again.
 */
import { Win32Error } from '../../ffi/check.ts';
import { IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, TCP_NODELAY } from '../../ffi/constants.ts';
import { WSAECONNRESET, WSAENOTCONN } from '../../ffi/wsa-errors.ts';
import type { SocketHandle } from '../pal/handles.ts';
import {
  formatIpAddress,
  isMappedIPv4,
  isUnspecified,
  loopback,
  unspecified,
  type IpAddress,
} from '../pal/ip-address.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { ConnectCallback, ConnectOptions } from '../pal/network-pal.ts';
import { abandonOperation } from '../sockets/abandon.ts';
import { attach } from '../sockets/association.ts';
import { abort, settleClose } from '../sockets/closer.ts';
import { ConnectState } from './connect-state.ts';
import type { Connection } from './connection.ts';
import { callbackDue, expectCallback, type Driver } from '../context/context.ts';
import { aborted, connectionClosed, outOfSlots, systemError, timedOut } from '../util/errors.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { whyOver } from '../sockets/pending-call.ts';
import { ConnectRequest } from './requests.ts';
import { bindSocket, openTcpSocket, setIntOption, sharePorts } from '../sockets/sockets.ts';

/** Where to connect to and from. */
export interface ConnectTarget {
  address: IpAddress;
  port: number;
  localAddress: IpAddress | null;
  localPort: number;
}

/** Starts to connect a fresh record. Failures of the system arrive in the callback. */
export function connect(
  driver: Driver,
  connection: Connection,
  target: ConnectTarget,
  options: ConnectOptions,
  callback: ConnectCallback,
): void {
  // Windows refuses to connect to any-address; everywhere else, and in node:net, it means this machine.
  const address = isUnspecified(target.address) ? loopback(target.address.family) : target.address;
  connection.peer = { address: formatIpAddress(address), port: target.port, family: address.family };
  if (!beginConnect(driver, connection, options, callback)) return;
  const operation = driver.operations.take(OperationKind.Connect, connection);
  if (operation === null) {
    abandonConnect(driver, connection, outOfSlots(driver.options.maxOperations));
    return;
  }
  connection.connect?.begin(operation);
  try {
    submit(driver, connection, operation, { ...target, address }, options);
  } catch (error) {
    if (error instanceof Win32Error) {
      operation.syscall = error.syscall;
      driver.loop.finishInline(operation, error.systemErrorCode, 0);
    } else {
      abandonOperation(driver, connection, operation, error);
    }
  }
}

/** A callback is owed from now on. Returns false when the attempt is over already: aborted, or closed in its own beginning. */
export function beginConnect(
  driver: Driver,
  connection: Connection,
  options: ConnectOptions,
  callback: ConnectCallback,
): boolean {
  const request = new ConnectRequest(callback);
  let why = options.signal?.aborted === true ? aborted('connect', options.signal) : null;
  try {
    if (why === null) {
      driver.calls.begin(request, connection, options);
      why = whyOver(request, connection);
    }
  } catch (error) {
    abort(driver, connection); // nobody gets its handle
    throw error;
  }
  connection.connect = new ConnectState(request);
  expectCallback(driver, connection);
  if (why !== null) abandonConnect(driver, connection, why);
  return why === null;
}

/**
 * Gives an attempt up. An outcome that is queued already wins; what is still in the kernel, or in the port, does not: a
 * connection that was made all the same is reset.
 */
export function revokeConnect(driver: Driver, connection: Connection, error: NetworkError): boolean {
  const { connect } = connection;
  if (connect === null) return false;
  const { name, operation, request } = connect;
  if (name !== null) return name.revoke(error);
  if (operation?.isInKernel !== true) return false;
  const isLate = error.kind === NetworkErrorCode.Timeout;
  // Which peer it was is what the reader of a log wants to know.
  const context = { ...peerContext(connection), syscall: operation.syscall };
  abandonConnect(driver, connection, isLate ? timedOut('connect', request?.timeout ?? 0, context) : error);
  return true;
}

/** ConnectEx came back. */
export function completeConnect(driver: Driver, connection: Connection, operation: Operation): void {
  const { error, syscall, thrown } = operation;
  connection.connect?.finish();
  driver.operations.release(operation);
  connection.connected = error === 0;
  if (!isAwaited(connection)) {
    // Answered already: closed, cancelled or out of time. If it was made all the same, nobody serves it: a FIN would tell
    // the peer that somebody had. And without its context the socket would not heed SO_LINGER.
    if (error === 0) {
      connection.resetting = true;
      finish(driver, connection);
    }
    settleClose(driver, connection);
    return;
  }
  const failure = error === 0 ? finish(driver, connection) : connectError(connection, syscall, error, thrown);
  if (failure !== null) {
    abandonConnect(driver, connection, failure);
    return;
  }
  driver.counters.connected++;
  announceConnect(driver, connection);
}

/** Somebody waits for the outcome still. */
function isAwaited({ connect }: Connection): boolean {
  return connect !== null && connect.request !== null;
}

/** The record has its connected SOCKET: tells whoever waits for it. */
export function announceConnect(driver: Driver, connection: Connection): void {
  const request = connection.connect?.answer() ?? null;
  if (request === null) return;
  driver.calls.end(request);
  connection.connect = null;
  connection.connected = true;
  callbackDue(driver, connection);
  request.callback(null, connection.handle as SocketHandle);
}

/** Answers a pending connect with ConnectionClosed. */
export function failConnect(driver: Driver, connection: Connection): void {
  answer(driver, connection, connectionClosed('connect'));
}

/** Answers with an error and closes: a failed attempt leaves no socket behind. */
export function abandonConnect(driver: Driver, connection: Connection, error: NetworkError): void {
  answer(driver, connection, error);
  abort(driver, connection);
}

function answer(driver: Driver, connection: Connection, error: NetworkError): void {
  const { connect } = connection;
  const request = connect?.answer() ?? null;
  if (connect === null || request === null) return;
  driver.calls.end(request);
  connect.resolved()?.stop();
  driver.loop.enqueue(() => {
    callbackDue(driver, connection);
    request.callback(error, connection.handle as SocketHandle);
  });
}

function submit(
  driver: Driver,
  connection: Connection,
  operation: Operation,
  target: ConnectTarget,
  options: ConnectOptions,
): void {
  const { family } = connection;
  connection.socket = openTcpSocket(driver, family);
  if (isMappedIPv4(target.address)) {
    // An IPv4 address on an IPv6 socket: Windows forbids it by default.
    setIntOption(driver, connection.socket, IPPROTO_IPV6, IPV6_V6ONLY, 0, 'setsockopt(IPV6_V6ONLY)');
  }
  if (target.localPort === 0) sharePorts(driver, connection.socket);
  // ConnectEx demands a bound socket.
  bindSocket(driver, connection.socket, target.localAddress ?? unspecified(family), target.localPort);
  attach(driver, connection);
  if (options.noDelay === true) {
    setIntOption(driver, connection.socket, IPPROTO_TCP, TCP_NODELAY, 1, 'setsockopt(TCP_NODELAY)');
  }
  driver.transport.connect(connection, operation, target.address, target.port);
}

/** Makes a connected socket a full one. Returns the error, or null. */
function finish(driver: Driver, connection: Connection): NetworkError | null {
  try {
    driver.transport.finishConnect(connection);
    return null;
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    // The connection was made, and is gone again before it could be told: the context of a socket whose peer has reset it
    // cannot be updated, and Windows says "not connected".
    const code = error.systemErrorCode === WSAENOTCONN ? WSAECONNRESET : error.systemErrorCode;
    return connectError(connection, error.syscall, code);
  }
}

function connectError(connection: Connection, syscall: string, code: number, thrown: unknown = null): NetworkError {
  const context = peerContext(connection);
  return systemError('connect', syscall, code, thrown === null ? context : { ...context, cause: thrown });
}

function peerContext({ peer }: Connection): { address?: string; port?: number } {
  return peer === null ? {} : { address: peer.address, port: peer.port };
}
