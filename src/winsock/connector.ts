/**
 * Connecting through ConnectEx, which wants a bound socket and works on the port like everything else.
 *
 * The record exists from the call on, so that closeSocket can abandon the attempt; a failed attempt closes it. A socket
 * whose ConnectEx failed cannot be used again.
 */
import { NO_ERROR, FINISHED, checkWinsock, overlappedOutcome, Win32Error } from '../../ffi/check.ts';
import {
  IPPROTO_TCP,
  SIO_TCP_INITIAL_RTO,
  SO_UPDATE_CONNECT_CONTEXT,
  SOL_SOCKET,
  TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS,
  TCP_INITIAL_RTO_UNSPECIFIED_RTT,
  TCP_NODELAY,
} from '../../ffi/constants.ts';
import type { SocketHandle } from '../pal/handles.ts';
import {
  formatIpAddress,
  isLoopback,
  isUnspecified,
  loopback,
  unspecified,
  type IpAddress,
} from '../pal/ip-address.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { ConnectCallback, ConnectOptions } from '../pal/network-pal.ts';
import { resetConnection, settleClose } from './closer.ts';
import type { Connection } from './connection.ts';
import { callbackDue, expectCallback, type Driver } from './driver.ts';
import { connectionClosed, endpointText, outOfSlots, systemError } from './errors.ts';
import { OperationKind, OperationState, type Operation } from './operation.ts';
import { associate, bindSocket, openTcpSocket, setIntOption, skipPackets } from './sockets.ts';

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
    abandon(driver, connection, outOfSlots(driver.options.maxOperations));
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
  const failure = error === 0 ? updateContext(driver, connection) : connectError(connection, syscall, error);
  if (failure !== null) {
    abandon(driver, connection, failure);
    return;
  }
  stopTimer(driver, connection);
  connection.connectCallback = null;
  connection.connected = true;
  driver.counters.connected++;
  callbackDue(driver, connection);
  callback(null, connection.handle as SocketHandle);
}

/** Answers a pending connect with ConnectionClosed. */
export function failConnect(driver: Driver, connection: Connection): void {
  answer(driver, connection, connectionClosed('connect'));
}

/** Answers with an error and closes: a failed attempt leaves no socket behind. */
function abandon(driver: Driver, connection: Connection, error: NetworkError): void {
  answer(driver, connection, error);
  resetConnection(driver, connection);
}

function answer(driver: Driver, connection: Connection, error: NetworkError): void {
  const callback = connection.connectCallback;
  if (callback === null) return;
  connection.connectCallback = null;
  stopTimer(driver, connection);
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
  abandon(
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
  const { kernel, counters, scratch } = driver;
  const { family } = connection;
  connection.socket = openTcpSocket(driver, family);
  bindSocket(driver, connection.socket, target.localAddress ?? unspecified(family), target.localPort);
  associate(driver, connection);
  skipPackets(driver, connection);
  if (options.noDelay === true) {
    setIntOption(driver, connection.socket, IPPROTO_TCP, TCP_NODELAY, 1, 'setsockopt(TCP_NODELAY)');
  }
  const { ConnectEx } = driver.extensions.of(family, connection.socket);
  if (isLoopback(target.address)) sendOneSynOnly(driver, connection.socket);
  const length = scratch.setSockaddr(0, target.address, target.port);
  operation.syscall = 'ConnectEx';
  operation.state = OperationState.Submitted;
  counters.calls.ConnectEx++;
  const result = ConnectEx(connection.socket, scratch.address, length, 0, 0, 0, operation.address);
  const outcome = overlappedOutcome(result !== 0, kernel.ws2_32);
  if (outcome === NO_ERROR) return;
  if (outcome !== FINISHED) driver.loop.finishInline(operation, outcome, 0);
  else if (connection.skipsPackets) driver.loop.finishInline(operation, 0, 0);
}

/**
 * Windows repeats a refused SYN even on loopback, where nothing was lost: a refused connect takes two seconds. This
 * asks for no repetition. Best effort: Windows before 10 1709, and Wine, do not know it.
 */
function sendOneSynOnly(driver: Driver, socket: number): void {
  const { kernel, counters, scratch } = driver;
  const outputAt = 16;
  scratch.view.setUint16(0, TCP_INITIAL_RTO_UNSPECIFIED_RTT, true);
  scratch.view.setUint8(2, TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS);
  scratch.view.setUint8(3, 0);
  counters.calls.WSAIoctl++;
  const { address } = scratch;
  kernel.ws2_32.WSAIoctl(socket, SIO_TCP_INITIAL_RTO, address, 4, 0, 0, address + outputAt, 0, 0);
}

/** Without it, shutdown and getpeername fail on a socket that ConnectEx has connected. Returns the error, or null. */
function updateContext(driver: Driver, connection: Connection): NetworkError | null {
  const { kernel, counters } = driver;
  counters.calls.setsockopt++;
  try {
    const result = kernel.ws2_32.setsockopt(connection.socket, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, 0, 0);
    checkWinsock(result, kernel.ws2_32, 'setsockopt(SO_UPDATE_CONNECT_CONTEXT)');
    return null;
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    return connectError(connection, error.syscall, error.systemErrorCode);
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
