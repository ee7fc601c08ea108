/** The calls of the contract for TCP: servers, connections, and their bytes. */
import type { Endpoint, ServerHandle, ServerSocket, SocketHandle } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type {
  AcceptCallback,
  BytesCallback,
  CloseCallback,
  ConnectCallback,
  ConnectOptions,
  ShutdownHow,
  WriteData,
} from '../pal/network-pal.ts';
import type { CancelOptions, OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import type { ServerOptions } from '../pal/server-options.ts';
import { accept, beginAccepting, NO_HANDLE, pauseAccepting, resumeAccepting } from '../tcp/accept/acceptor.ts';
import { associate } from '../sockets/association.ts';
import type { ContextType } from '../platform/async-context.ts';
import { NO_ENDPOINT, remoteEndpoint } from '../sockets/addresses.ts';
import { reset } from '../sockets/closer.ts';
import { shutdownConnection } from '../tcp/shutdown.ts';
import { connect } from '../tcp/connector.ts';
import { connectByName } from '../tcp/by-name/name-connector.ts';
import { Connection } from '../tcp/connection/connection.ts';
import { addConnection, connectionKind } from '../tcp/connection-kind.ts';
import { captureOrigin, type Context } from '../context/context.ts';
import { aborted, cancelled, connectionClosed, tooManySockets, type OperationName } from '../util/errors.ts';
import { Listener } from '../tcp/accept/listener.ts';
import { foreignHandle, isForeignOperation } from '../util/pal-number.ts';
import { requireInteger, requireOneOf } from '../util/validate.ts';
import { read } from '../tcp/reader.ts';
import { byteLengthOf } from '../tcp/connection/requests.ts';
import { openServer } from '../tcp/server/server.ts';
import {
  CANCEL_OPTIONS,
  CONNECT_OPTIONS,
  OPERATION_OPTIONS,
  readOptions,
  readServerOptions,
} from '../util/read-options.ts';
import { MAX_SOCKETS } from '../sockets/socket-table.ts';
import { write } from '../tcp/writer.ts';
import {
  checkOperationOptions,
  emptyBuffer,
  requireAddress,
  requireBytes,
  requireCallback,
  requireData,
  requireHost,
  requireListenAddress,
  requireOwnConnections,
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
    this.lifecycle.open('createServer');
    requirePort(port, 0);
    const [at, read] = [requireListenAddress(address), readServerOptions(options)];
    // (Once more: a getter of theirs may have stopped the loop, and a stop closes what is open when it begins.)
    return openServer(this.lifecycle.open('createServer'), at, port, read);
  }

  asyncAccept(server: ServerHandle, callback: AcceptCallback): OperationHandle;
  asyncAccept(server: ServerHandle, options: OperationOptions, callback: AcceptCallback): OperationHandle;
  asyncAccept(
    server: ServerHandle,
    optionsOrCallback: OperationOptions | AcceptCallback,
    callbackOrNone?: AcceptCallback,
  ): OperationHandle {
    const context = this.lifecycle.begun('asyncAccept');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const isAborted = abortedAlready('accept', options);
    const listener = this.listener(server);
    if (context === null || listener === null) return this.#refuseAccept(callback, connectionClosed('accept'));
    requireUnwatched('asyncAccept', listener);
    requireOwnConnections('asyncAccept', listener);
    const refused = isAborted ?? startAccepting(context, listener);
    if (refused !== null) return this.#refuseAccept(callback, refused);
    return accept(context, listener, options, callback);
  }

  #refuseAccept(callback: AcceptCallback, error: NetworkError): OperationHandle {
    return this.answerSoon('accept', () => callback(error, NO_HANDLE, NO_ENDPOINT));
  }

  pauseAccept(server: ServerHandle): void {
    const context = this.lifecycle.begun('pauseAccept');
    const listener = this.listener(server);
    if (context !== null && listener !== null) pauseAccepting(context, listener);
  }

  resumeAccept(server: ServerHandle): void {
    const context = this.lifecycle.begun('resumeAccept');
    const listener = this.listener(server);
    if (context !== null && listener !== null) resumeAccepting(context, listener);
  }

  asyncConnect(address: string, port: number, given: ConnectOptions, callback: ConnectCallback): SocketHandle {
    const context = this.lifecycle.begun('asyncConnect');
    requireCallback(callback);
    const host = requireHost('address', address);
    requirePort(port, 1);
    const options = readOptions<ConnectOptions>(given, CONNECT_OPTIONS);
    checkOperationOptions(options);
    const { localAddress: from, localPort = 0 } = options;
    requirePort(localPort, 0);
    const localAddress = from === undefined ? null : requireAddress('localAddress', from);
    const families = requireFamilies(address, host, localAddress, options);
    // (Before the look at the lifecycle: what prepares stacks may be the caller's own code.)
    const origin = context === null ? undefined : captureOrigin(context);
    if (context === null || this.lifecycle.isStopping) return this.#connectNowhere(families[0], callback);
    const connection = addConnection(context, families[0], origin);
    if (connection === null) {
      this.#refuseConnect(callback, tooManySockets(MAX_SOCKETS), NO_HANDLE);
      return NO_HANDLE;
    }
    const common = { port, localAddress, localPort };
    if (typeof host !== 'string') connect(context, connection, { ...common, address: host }, options, callback);
    else connectByName(context, connection, { ...common, name: host, families }, options, callback);
    return connection.handle as SocketHandle;
  }

  /** A connect while the loop stops, or after it has: the handle is that of a closed socket from the beginning. */
  #connectNowhere(family: 4 | 6, callback: ConnectCallback): SocketHandle {
    const { sockets } = this.lifecycle;
    const connection = sockets.add((handle) => new Connection(connectionKind, handle, family, 0, undefined));
    if (connection !== null) sockets.remove(connection);
    const handle = (connection?.handle ?? NO_HANDLE) as SocketHandle;
    this.#refuseConnect(callback, connectionClosed('connect'), handle);
    return handle;
  }

  #refuseConnect(callback: ConnectCallback, error: NetworkError, handle: SocketHandle): void {
    this.answerSoon('connect', () => callback(error, handle));
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
    given: Uint8Array,
    maxBytes: number,
    optionsOrCallback: OperationOptions | BytesCallback,
    callbackOrNone?: BytesCallback,
  ): OperationHandle {
    const context = this.lifecycle.begun('asyncRead');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const buffer = requireBytes('buffer', given);
    if (buffer.byteLength === 0) throw emptyBuffer('buffer', buffer);
    requireInteger('maxBytes', maxBytes, 1, buffer.byteLength);
    const isAborted = abortedAlready('read', options);
    const connection = this.established(socket);
    if (context === null || connection === null) return this.refuseBytes('read', callback, connectionClosed('read'));
    requireUnwatched('asyncRead', connection);
    const refused = isAborted ?? whyNotTied(context, connection);
    if (refused !== null) return this.refuseBytes('read', callback, refused);
    return read(context, connection, buffer, maxBytes, options, callback);
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
    given: WriteData,
    optionsOrCallback: OperationOptions | BytesCallback,
    callbackOrNone?: BytesCallback,
  ): OperationHandle {
    const context = this.lifecycle.begun('asyncWrite');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const data = requireData(given);
    const total = byteLengthOf(data);
    const isAborted = abortedAlready('write', options);
    const connection = this.established(socket);
    if (context === null || connection === null) return this.refuseBytes('write', callback, connectionClosed('write'));
    requireUnwatched('asyncWrite', connection);
    const refused = isAborted ?? whyNotTied(context, connection);
    if (refused !== null) return this.refuseBytes('write', callback, refused);
    return write(context, connection, data, total, null, options, callback);
  }

  cancel(operation: OperationHandle | SocketHandle, options: CancelOptions = {}): boolean {
    const context = this.lifecycle.begun('cancel');
    const { hard = false } = readOptions<CancelOptions>(options, CANCEL_OPTIONS);
    requireInteger('operation', operation, -LAST_OPERATION, Number.MAX_SAFE_INTEGER);
    if (operation < 0 && isForeignOperation(this.lifecycle.palNumber, operation)) throw foreignHandle(operation);
    const record = operation > 0 ? this.known(operation as SocketHandle) : null;
    if (context === null) return false;
    const connecting = record instanceof Connection ? (record.connect?.request ?? null) : null;
    const call = operation > 0 ? connecting : context.pendingCalls.find(operation);
    return call !== null && context.pendingCalls.cancel(call, cancelled(call.operation), hard);
  }

  shutdown(socket: SocketHandle, how: ShutdownHow): void {
    const context = this.lifecycle.begun('shutdown');
    requireOneOf('how', how, ['send', 'receive', 'both']);
    const connection = this.established(socket);
    if (context === null || connection === null) return;
    if (!connection.associated) associate(context, connection);
    shutdownConnection(context, connection, how);
  }

  resetSocket(socket: SocketHandle, callback?: CloseCallback): void {
    this.close('resetSocket', socket, callback, (context, record, done) => {
      if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
      reset(context, record, done);
    });
  }

  getRemoteAddress(socket: SocketHandle): string {
    return this.#remote('getRemoteAddress', socket).address;
  }

  getRemotePort(socket: SocketHandle): number {
    return this.#remote('getRemotePort', socket).port;
  }

  getQueuedBytes(socket: SocketHandle): number {
    this.lifecycle.begun('getQueuedBytes');
    const record = this.known(socket);
    if (record === null) return 0;
    if (record instanceof Connection) return record.write.queuedBytes;
    throw wrongKind(record, 'asyncConnect or asyncAccept');
  }

  /** The listening socket of a handle; null when it is closing or closed. Throws for another kind of socket. */
  protected listener(handle: ServerHandle): Listener | null {
    const record = this.known(handle);
    if (record === null) return null;
    if (!(record instanceof Listener)) throw wrongKind(record, 'createServer');
    return record.closing ? null : record;
  }

  /**
   * The established connection of a handle; null when it is closing or closed. Throws for another kind of socket, and for one
   * that is still connecting.
   */
  protected established(handle: SocketHandle): Connection | null {
    const record = this.known(handle);
    if (record === null) return null;
    if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
    if (record.closing) return null;
    if (record.connected) return record;
    throw stillConnecting(handle);
  }

  /** Answers a read or a write that was not started. (No closure of the call itself: it would cost each call a context.) */
  protected refuseBytes(type: ContextType, callback: BytesCallback, error: NetworkError): OperationHandle {
    return this.answerSoon(type, () => callback(error, 0));
  }

  /** Also of a connection that is closing, as long as it has its socket. */
  #remote(call: string, handle: SocketHandle): Endpoint {
    const context = this.lifecycle.begun(call);
    const record = this.known(handle);
    if (context === null || record === null) return NO_ENDPOINT;
    if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
    if (!record.connected && !record.closing) throw stillConnecting(handle);
    try {
      return remoteEndpoint(context, record);
    } catch (error) {
      // Closing before it was connected; or its peer has gone before anybody asked who it was.
      if (error instanceof NetworkError) return NO_ENDPOINT;
      throw error;
    }
  }
}

function stillConnecting(handle: SocketHandle): NetworkError {
  return new NetworkError(`Cannot use socket ${handle}: it is still connecting. Wait for asyncConnect's callback`, {
    kind: NetworkErrorCode.ConnectionFailed,
    code: 'ENOTCONN',
  });
}

/** Ties a connection to this loop when it waited for that. Returns why the system does not, for the callback. */
export function whyNotTied(context: Context, connection: Connection): NetworkError | null {
  return connection.associated ? null : tie(context, connection);
}

/** What a call gets whose signal was aborted before. Asked before the socket is looked at: a signal may be the caller's own code. */
export function abortedAlready(operation: OperationName, options: OperationOptions | null): NetworkError | null {
  const signal = options?.signal;
  return signal?.aborted === true ? aborted(operation, signal) : null;
}

function tie(context: Context, connection: Connection): NetworkError | null {
  try {
    associate(context, connection);
    return null;
  } catch (error) {
    if (error instanceof NetworkError) return error;
    throw error;
  }
}

/** The same for a server. */
function startAccepting(context: Context, listener: Listener): NetworkError | null {
  try {
    beginAccepting(context, listener);
    return null;
  } catch (error) {
    if (error instanceof NetworkError) return error;
    throw error;
  }
}

export function optionsOf(value: OperationOptions | ((...args: never[]) => void)): OperationOptions | null {
  if (typeof value === 'function') return null;
  const options = readOptions<OperationOptions>(value, OPERATION_OPTIONS);
  checkOperationOptions(options);
  return options;
}

export function callbackOf<Callback extends (...args: never[]) => void>(
  value: OperationOptions | Callback,
  last: Callback | undefined,
): Callback {
  const callback = last ?? value;
  requireCallback(callback);
  return callback as Callback;
}
