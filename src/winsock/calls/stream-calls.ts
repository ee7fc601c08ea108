/** The calls of the contract for TCP: servers, connections, and their bytes. */
import type { AnyHandle, ServerHandle, ServerSocket, SocketHandle } from '../../pal/handles.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import type {
  AcceptCallback,
  BytesCallback,
  CloseCallback,
  ConnectCallback,
  ConnectOptions,
  ShutdownHow,
  WriteData,
} from '../../pal/network-pal.ts';
import type { CancelOptions, OperationHandle, OperationOptions } from '../../pal/pending-operation.ts';
import type { ServerOptions } from '../../pal/server-options.ts';
import { accept, NO_HANDLE, pauseAccepting, resumeAccepting } from '../acceptor.ts';
import { associate } from '../association.ts';
import { boundOnce, type ContextType } from '../async-context.ts';
import { remoteEndpoint } from '../addresses.ts';
import { reset, shutdownConnection } from '../closer.ts';
import { connect } from '../connector.ts';
import { connectByName } from '../name-connector.ts';
import { Connection } from '../connection.ts';
import { captureOrigin, type Driver } from '../driver.ts';
import { aborted, cancelled, connectionClosed, tooManySockets, type OperationName } from '../errors.ts';
import { Listener } from '../listener.ts';
import { NO_OPERATION, type PendingCall } from '../pending-call.ts';
import { foreignHandle, isForeignOperation } from '../pal-number.ts';
import { requireInteger, requireOneOf } from '../pal-options.ts';
import { read } from '../reader.ts';
import { byteLengthOf } from '../requests.ts';
import { openServer } from '../server.ts';
import { MAX_SOCKETS } from '../socket-table.ts';
import { write } from '../writer.ts';
import {
  emptyBuffer,
  requireAddress,
  requireBytes,
  requireCallback,
  requireData,
  requireHost,
  requireOwnConnections,
  requireOptions,
  requirePort,
  requireUnwatched,
  wrongKind,
} from './arguments.ts';
import { PalCore } from './core.ts';
import { requireFamilies } from './name-arguments.ts';

/** The largest number of an operation, negated: see OperationHandle. */
const LAST_OPERATION = 2 ** 31 - 1;

export abstract class StreamCalls extends PalCore {
  createServer(address: string, port: number, options: ServerOptions = {}): ServerSocket {
    const driver = this.lifecycle.open('createServer');
    requirePort(port, 0);
    return openServer(driver, requireAddress('address', address), port, options);
  }

  asyncAccept(server: ServerHandle, callback: AcceptCallback): OperationHandle;
  asyncAccept(server: ServerHandle, options: OperationOptions, callback: AcceptCallback): OperationHandle;
  asyncAccept(
    server: ServerHandle,
    optionsOrCallback: OperationOptions | AcceptCallback,
    callbackOrNone?: AcceptCallback,
  ): OperationHandle {
    const driver = this.lifecycle.current('asyncAccept');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const refused = this.refusal(driver, 'accept', server, options);
    if (refused !== null) return answerSoon(driver, 'accept', () => callback(refused, NO_HANDLE, null));
    const listener = this.listener(driver, server);
    requireUnwatched('asyncAccept', listener);
    requireOwnConnections('asyncAccept', listener);
    return accept(driver, listener, options, callback);
  }

  pauseAccept(server: ServerHandle): void {
    const driver = this.lifecycle.open('pauseAccept');
    pauseAccepting(driver, this.listener(driver, server));
  }

  resumeAccept(server: ServerHandle): void {
    const driver = this.lifecycle.open('resumeAccept');
    resumeAccepting(driver, this.listener(driver, server));
  }

  asyncConnect(address: string, port: number, options: ConnectOptions, callback: ConnectCallback): SocketHandle {
    const driver = this.lifecycle.open('asyncConnect');
    requireCallback(callback);
    const host = requireHost('address', address);
    requirePort(port, 1);
    requireOptions(options);
    const { localAddress: from, localPort = 0 } = options;
    requirePort(localPort, 0);
    const localAddress = from === undefined ? null : requireAddress('localAddress', from);
    const families = requireFamilies(address, host, localAddress, options);
    const origin = captureOrigin(driver);
    const now = driver.kernel.scheduler.now();
    const connection = driver.sockets.add((handle) => new Connection(handle, families[0], now, origin));
    if (connection === null) throw tooManySockets(MAX_SOCKETS);
    const common = { port, localAddress, localPort };
    if (typeof host !== 'string') connect(driver, connection, { ...common, address: host }, options, callback);
    else connectByName(driver, connection, { ...common, name: host, families }, options, callback);
    return connection.handle as SocketHandle;
  }

  asyncRead(socket: SocketHandle, buffer: Uint8Array, maxBytes: number, callback: BytesCallback): OperationHandle;
  asyncRead(
    socket: SocketHandle,
    buffer: Uint8Array,
    maxBytes: number,
    options: OperationOptions,
    callback: BytesCallback,
  ): OperationHandle;
  asyncRead(
    socket: SocketHandle,
    buffer: Uint8Array,
    maxBytes: number,
    optionsOrCallback: OperationOptions | BytesCallback,
    callbackOrNone?: BytesCallback,
  ): OperationHandle {
    const driver = this.lifecycle.current('asyncRead');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const refused = this.refusal(driver, 'read', socket, options);
    if (refused !== null) return refuseBytes(driver, 'read', callback, refused);
    const connection = this.connection(driver, socket);
    requireBytes('buffer', buffer);
    if (buffer.byteLength === 0) throw emptyBuffer('buffer', buffer);
    requireInteger('maxBytes', maxBytes, 1, buffer.byteLength);
    requireUnwatched('asyncRead', connection);
    return read(driver, connection, buffer, maxBytes, options, callback);
  }

  asyncWrite(socket: SocketHandle, data: WriteData, callback: BytesCallback): OperationHandle;
  asyncWrite(
    socket: SocketHandle,
    data: WriteData,
    options: OperationOptions,
    callback: BytesCallback,
  ): OperationHandle;
  asyncWrite(
    socket: SocketHandle,
    data: WriteData,
    optionsOrCallback: OperationOptions | BytesCallback,
    callbackOrNone?: BytesCallback,
  ): OperationHandle {
    const driver = this.lifecycle.current('asyncWrite');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const refused = this.refusal(driver, 'write', socket, options);
    if (refused !== null) return refuseBytes(driver, 'write', callback, refused);
    const connection = this.connection(driver, socket);
    requireData(data);
    const total = byteLengthOf(data);
    if (total === 0) throw emptyBuffer('data', data);
    requireUnwatched('asyncWrite', connection);
    return write(driver, connection, data, total, null, options, callback);
  }

  cancel(operation: OperationHandle | SocketHandle, { hard = false }: CancelOptions = {}): boolean {
    const driver = this.lifecycle.current('cancel');
    requireInteger('operation', operation, -LAST_OPERATION, Number.MAX_SAFE_INTEGER);
    if (operation < 0 && isForeignOperation(driver.palNumber, operation)) throw foreignHandle(operation);
    const call = operation > 0 ? this.#connectCallOf(driver, operation as SocketHandle) : driver.calls.find(operation);
    return call !== null && driver.calls.revoke(call, cancelled(call.operation), hard);
  }

  /** The attempt that a handle names while it connects. */
  #connectCallOf(driver: Driver, handle: SocketHandle): PendingCall | null {
    const record = driver.sockets.find(handle);
    if (record === undefined) this.requireGiven(handle);
    return record instanceof Connection ? record.connectRequest : null;
  }

  shutdown(socket: SocketHandle, how: ShutdownHow): void {
    const driver = this.lifecycle.open('shutdown');
    const connection = this.connection(driver, socket);
    requireOneOf('how', how, ['send', 'receive', 'both']);
    shutdownConnection(driver, connection, how);
  }

  resetSocket(socket: SocketHandle, callback?: CloseCallback): void {
    this.close(socket, callback, (driver, record, done) => {
      if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
      reset(driver, record, done);
    });
  }

  getRemoteAddress(socket: SocketHandle): string {
    const driver = this.lifecycle.open('getRemoteAddress');
    return remoteEndpoint(driver, this.established(driver, socket)).address;
  }

  getRemotePort(socket: SocketHandle): number {
    const driver = this.lifecycle.open('getRemotePort');
    return remoteEndpoint(driver, this.established(driver, socket)).port;
  }

  getQueuedBytes(socket: SocketHandle): number {
    const driver = this.lifecycle.open('getQueuedBytes');
    return this.established(driver, socket).queuedBytes;
  }

  /** The open listening socket of a handle. */
  protected listener(driver: Driver, handle: ServerHandle): Listener {
    const record = this.find(driver, handle);
    if (record instanceof Listener) return record;
    throw wrongKind(record, 'createServer');
  }

  /** The open and established connection of a handle, tied to this loop: for every call that uses it. */
  protected connection(driver: Driver, handle: SocketHandle): Connection {
    const connection = this.established(driver, handle);
    if (!connection.associated) associate(driver, connection);
    return connection;
  }

  /** The same, left as it is: for calls that only ask, or pass it on. */
  protected established(driver: Driver, handle: SocketHandle): Connection {
    const record = this.find(driver, handle);
    if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
    if (record.connected) return record;
    throw new NetworkError(`Cannot use socket ${handle}: it is still connecting. Wait for asyncConnect's callback`, {
      kind: NetworkErrorCode.ConnectionFailed,
      code: 'ENOTCONN',
    });
  }

  /** What a call gets that is not to be started: the loop is stopping, or its signal was aborted before. */
  protected refusal(
    driver: Driver,
    operation: OperationName,
    socket: AnyHandle,
    options: OperationOptions | null,
  ): NetworkError | null {
    if (this.lifecycle.isStopping) {
      this.lifecycle.countRefusal(operation);
      return connectionClosed(operation);
    }
    const signal = options?.signal;
    if (signal?.aborted !== true) return null;
    this.find(driver, socket);
    return aborted(operation, signal);
  }
}

export function optionsOf(value: OperationOptions | ((...args: never[]) => void)): OperationOptions | null {
  if (typeof value === 'function') return null;
  requireOptions(value);
  return value;
}

export function callbackOf<Callback extends (...args: never[]) => void>(
  value: OperationOptions | Callback,
  last: Callback | undefined,
): Callback {
  const callback = last ?? value;
  requireCallback(callback);
  return callback as Callback;
}

/** Answers a read or a write that was not started. (No closure of the call itself: it would cost each call a context.) */
export function refuseBytes(
  driver: Driver,
  type: ContextType,
  callback: BytesCallback,
  error: NetworkError,
): OperationHandle {
  return answerSoon(driver, type, () => callback(error, 0));
}

/** Answers a call that was not started, in the context that it was made in. */
export function answerSoon(driver: Driver, type: ContextType, answer: () => void): OperationHandle {
  driver.loop.enqueue(boundOnce(type, answer));
  return NO_OPERATION;
}
