/**
 * Connecting: a socket, bound, and one connect operation on it.
 *
 * The record exists from the call on, so that closeSocket can abandon the attempt; a failed attempt closes it. A socket
 * whose connect failed cannot be used again.
 */
import { Win32Error } from '../../ffi/check.ts';
import { IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, TCP_NODELAY } from '../../ffi/constants.ts';
import { WSAEADDRNOTAVAIL, WSAECONNRESET, WSAENOTCONN } from '../../ffi/wsa-errors.ts';
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
import { boundTo, NO_ENDPOINT } from '../sockets/addresses.ts';
import { attach } from '../sockets/association.ts';
import { abort, settleClose } from '../sockets/closer.ts';
import { ConnectState } from './connection/connect-state.ts';
import type { Connection } from './connection/connection.ts';
import { removeRequest, addRequest, type Context } from '../context/context.ts';
import { aborted, connectionClosed, outOfSlots, systemError, timedOut } from '../util/errors.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { whyOver } from '../sockets/pending-call.ts';
import { ConnectRequest } from './connection/requests.ts';
import { bindSocket, openTcpSocket, setIntOption, sharePorts } from '../sockets/sockets.ts';

export interface ConnectTarget {
  address: IpAddress;
  port: number;
  localAddress: IpAddress | null;
  localPort: number;
}

/** Starts to connect a fresh record. Failures of the system arrive in the callback. */
export function connect(
  context: Context,
  connection: Connection,
  target: ConnectTarget,
  options: ConnectOptions,
  callback: ConnectCallback,
): void {
  // Windows refuses to connect to any-address; everywhere else, and in node:net, it means this machine.
  const address = isUnspecified(target.address) ? loopback(target.address.family) : target.address;
  connection.peer = { address: formatIpAddress(address), port: target.port, family: address.family };
  if (!beginConnect(context, connection, options, callback)) return;
  const operation = context.operations.take(OperationKind.Connect, connection);
  if (operation === null) {
    abandonConnect(context, connection, outOfSlots(context.options.maxOperations));
    return;
  }
  connection.connect?.begin(operation);
  try {
    submit(context, connection, operation, { ...target, address }, options);
  } catch (error) {
    if (error instanceof Win32Error) {
      operation.syscall = error.syscall;
      context.loop.completeSynchronously(operation, error.systemErrorCode, 0);
    } else {
      abandonOperation(context, connection, operation, error);
    }
  }
}

/** A callback is owed from now on. Returns false when the attempt is over already: aborted, or closed in its own beginning. */
export function beginConnect(
  context: Context,
  connection: Connection,
  options: ConnectOptions,
  callback: ConnectCallback,
): boolean {
  const request = new ConnectRequest(callback);
  let why = options.signal?.aborted === true ? aborted('connect', options.signal) : null;
  try {
    if (why === null) {
      context.pendingCalls.begin(request, connection, options);
      why = whyOver(request, connection);
    }
  } catch (error) {
    abort(context, connection); // nobody gets its handle
    throw error;
  }
  connection.connect = new ConnectState(request);
  addRequest(context, connection);
  if (why !== null) abandonConnect(context, connection, why);
  return why === null;
}

/**
 * Gives an attempt up. An outcome that is queued already wins; what is still in the kernel, or in the port, does not: a
 * connection that was made nevertheless is reset.
 */
export function cancelConnect(context: Context, connection: Connection, error: NetworkError): boolean {
  const { connect } = connection;
  if (connect === null) return false;
  const { name, operation, request } = connect;
  if (name !== null) return name.cancel(error);
  if (operation?.isInKernel !== true) return false;
  const isLate = error.kind === NetworkErrorCode.Timeout;
  // Which peer it was is what the reader of a log wants to know.
  const errorContext = { ...peerContext(connection), syscall: operation.syscall };
  abandonConnect(
    context,
    connection,
    isLate ? timedOut('connect', request?.limits?.timeout ?? 0, errorContext) : error,
  );
  return true;
}

export function completeConnect(context: Context, connection: Connection, operation: Operation): void {
  const { error, syscall, thrown } = operation;
  connection.connect?.finish();
  context.operations.release(operation);
  connection.connected = error === 0;
  if (!isAwaited(connection)) {
    // Answered already: closed, cancelled or out of time. If it was made nevertheless, nobody serves it: a FIN would tell
    // the peer that somebody had. And without its context the socket would not heed SO_LINGER.
    if (error === 0) {
      connection.resetting = true;
      finish(context, connection);
    }
    settleClose(context, connection);
    return;
  }
  const failure = error === 0 ? finish(context, connection) : connectError(connection, syscall, error, thrown);
  if (failure !== null) {
    abandonConnect(context, connection, failure);
    return;
  }
  connection.local = boundTo(context, connection.socket);
  context.counters.connected++;
  announceConnect(context, connection);
}

/** Somebody waits for the outcome still. */
function isAwaited({ connect }: Connection): boolean {
  return connect !== null && connect.request !== null;
}

/** The record has its connected SOCKET: notifies who waits for it. */
export function announceConnect(context: Context, connection: Connection): void {
  const request = connection.connect?.answer() ?? null;
  if (request === null) return;
  context.pendingCalls.end(request);
  connection.connect = null;
  connection.connected = true;
  removeRequest(context, connection);
  const { handle, peer, local } = connection;
  request.callback(null, handle as SocketHandle, peer ?? NO_ENDPOINT, local ?? NO_ENDPOINT);
}

/** Answers a pending connect with ConnectionClosed. */
export function failConnect(context: Context, connection: Connection): void {
  answer(context, connection, connectionClosed('connect'));
}

/** Answers with an error and closes: a failed attempt leaves no socket behind. */
export function abandonConnect(context: Context, connection: Connection, error: NetworkError): void {
  answer(context, connection, error);
  abort(context, connection);
}

function answer(context: Context, connection: Connection, error: NetworkError): void {
  const { connect } = connection;
  const request = connect?.answer() ?? null;
  if (connect === null || request === null) return;
  context.pendingCalls.end(request);
  connect.resolved()?.stop();
  context.loop.enqueue(() => {
    removeRequest(context, connection);
    request.callback(error, connection.handle as SocketHandle, NO_ENDPOINT, NO_ENDPOINT);
  });
}

function submit(
  context: Context,
  connection: Connection,
  operation: Operation,
  target: ConnectTarget,
  options: ConnectOptions,
): void {
  const { family } = connection;
  // Nobody can be there. Windows says so; Linux, and so Wine, calls it refused.
  if (target.port === 0) throw new Win32Error('ConnectEx', WSAEADDRNOTAVAIL);
  connection.socket = openTcpSocket(context, family);
  if (isMappedIPv4(target.address)) {
    // An IPv4 address on an IPv6 socket: Windows forbids it by default.
    setIntOption(context, connection.socket, IPPROTO_IPV6, IPV6_V6ONLY, 0, 'setsockopt(IPV6_V6ONLY)');
  }
  if (target.localPort === 0) sharePorts(context, connection.socket);
  // ConnectEx demands a bound socket.
  bindSocket(context, connection.socket, target.localAddress ?? unspecified(family), target.localPort);
  attach(context, connection);
  if (options.noDelay === true) {
    setIntOption(context, connection.socket, IPPROTO_TCP, TCP_NODELAY, 1, 'setsockopt(TCP_NODELAY)');
  }
  context.transport.connect(connection, operation, target.address, target.port);
}

/** Makes a connected socket a full one. Returns the error, or null. */
function finish(context: Context, connection: Connection): NetworkError | null {
  try {
    context.transport.finishConnect(connection);
    return null;
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    // The connection was made, and is gone again before it could be reported: the context of a socket whose peer has reset it
    // cannot be updated, and Windows says "not connected".
    const code = error.systemErrorCode === WSAENOTCONN ? WSAECONNRESET : error.systemErrorCode;
    return connectError(connection, error.syscall, code);
  }
}

function connectError(connection: Connection, syscall: string, code: number, thrown: unknown = null): NetworkError {
  const errorContext = peerContext(connection);
  return systemError('connect', syscall, code, thrown === null ? errorContext : { ...errorContext, cause: thrown });
}

function peerContext({ peer }: Connection): { address?: string; port?: number } {
  return peer === null ? {} : { address: peer.address, port: peer.port };
}
