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
import { NetworkError } from '../pal/network-error.ts';
import type { ConnectCallback, ConnectOptions } from '../pal/network-pal.ts';
import { attach } from './association.ts';
import { resetConnection, settleClose } from './closer.ts';
import type { Connection } from './connection.ts';
import { callbackDue, expectCallback, type Driver } from './driver.ts';
import { connectionClosed, endpointText, outOfSlots, systemError } from './errors.ts';
import { OperationKind, type Operation } from './operation.ts';
import { bindSocket, openTcpSocket, setIntOption } from './sockets.ts';

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
  connection.connectCallback = callback;
  expectCallback(driver, connection);
  const operation = driver.operations.take(OperationKind.Connect, connection);
  if (operation === null) {
    abandonConnect(driver, connection, outOfSlots(driver.options.maxOperations));
    return;
  }
  connection.connectOperation = operation;
  connection.inFlight++;
  try {
    submit(driver, connection, operation, { ...target, address }, options);
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    operation.syscall = error.syscall;
    driver.loop.finishInline(operation, error.systemErrorCode, 0);
    return;
  }
  const { timeout } = options;
  if (timeout !== undefined) {
    connection.connectTimer = driver.kernel.scheduler.setTimer(timeout, () => {
      timeOut(driver, connection, timeout);
    });
  }
}

/** ConnectEx came back. */
export function completeConnect(driver: Driver, connection: Connection, operation: Operation): void {
  const { error, syscall } = operation;
  connection.connectOperation = null;
  connection.inFlight--;
  driver.operations.release(operation);
  const callback = connection.connectCallback;
  if (callback === null) {
    // Answered already: closed, or timed out.
    settleClose(driver, connection);
    return;
  }
  const failure = error === 0 ? finish(driver, connection) : connectError(connection, syscall, error);
  if (failure !== null) {
    abandonConnect(driver, connection, failure);
    return;
  }
  driver.counters.connected++;
  announceConnect(driver, connection);
}

/** The record has its connected SOCKET: tells whoever waits for it. */
export function announceConnect(driver: Driver, connection: Connection): void {
  const callback = connection.connectCallback;
  stopTimer(driver, connection);
  connection.connectCallback = null;
  connection.connected = true;
  callbackDue(driver, connection);
  callback?.(null, connection.handle as SocketHandle);
}

/** Answers a pending connect with ConnectionClosed. */
export function failConnect(driver: Driver, connection: Connection): void {
  answer(driver, connection, connectionClosed('connect'));
}

/** Answers with an error and closes: a failed attempt leaves no socket behind. */
export function abandonConnect(driver: Driver, connection: Connection, error: NetworkError): void {
  answer(driver, connection, error);
  resetConnection(driver, connection);
}

function answer(driver: Driver, connection: Connection, error: NetworkError): void {
  const callback = connection.connectCallback;
  if (callback === null) return;
  connection.connectCallback = null;
  stopTimer(driver, connection);
  connection.nameConnect?.stop();
  connection.nameConnect = null;
  driver.loop.enqueue(() => {
    callbackDue(driver, connection);
    callback(error, connection.handle as SocketHandle);
  });
}

function timeOut(driver: Driver, connection: Connection, timeout: number): void {
  connection.connectTimer = null;
  const operation = connection.connectOperation;
  // A success whose packet is on its way wins: it is delivered before anything that happens from here on.
  if (operation?.isInKernel !== true) return;
  abandonConnect(
    driver,
    connection,
    new NetworkError(`connect ETIMEDOUT ${describePeer(connection)}: not connected within ${timeout} ms`, {
      kind: NetworkErrorCode.Timeout,
      code: 'ETIMEDOUT',
      syscall: 'ConnectEx',
      ...peerContext(connection),
    }),
  );
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

function connectError(connection: Connection, syscall: string, code: number): NetworkError {
  return systemError('connect', syscall, code, peerContext(connection));
}

function peerContext({ peer }: Connection): { address?: string; port?: number } {
  return peer === null ? {} : { address: peer.address, port: peer.port };
}

function describePeer({ peer }: Connection): string {
  return peer === null ? '' : endpointText(peer.address, peer.port);
}

function stopTimer(driver: Driver, connection: Connection): void {
  if (connection.connectTimer === null) return;
  driver.kernel.scheduler.clearTimer(connection.connectTimer);
  connection.connectTimer = null;
}
