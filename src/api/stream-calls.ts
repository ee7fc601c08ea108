/** The calls of the contract for TCP: servers, connections, and their bytes. */
import { Buffer } from 'node:buffer';
import type { ServerHandle, ServerSocket, SocketHandle } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type {
  AcceptCallback,
  BytesCallback,
  ConnectCallback,
  ConnectOptions,
  ShutdownCallback,
  ShutdownHow,
  ViewCallback,
  WriteData,
} from '../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import type { ServerOptions } from '../pal/server-options.ts';
import { accept, beginAccepting, NO_HANDLE, pauseAccepting, resumeAccepting } from '../tcp/accept/acceptor.ts';
import { associate } from '../sockets/association.ts';
import { NO_ENDPOINT } from '../sockets/addresses.ts';
import { shutdownConnection } from '../tcp/shutdown.ts';
import { connect } from '../tcp/connector.ts';
import { connectByName } from '../tcp/by-name/name-connector.ts';
import { Connection } from '../tcp/connection/connection.ts';
import { addConnection, connectionKind } from '../tcp/connection-kind.ts';
import { captureOrigin } from '../context/context.ts';
import { connectionClosed, tooManySockets } from '../util/errors.ts';
import { requireInteger, requireOneOf } from '../util/validate.ts';
import { read, readView } from '../tcp/reader.ts';
import { byteLengthOf } from '../tcp/connection/requests.ts';
import { openServer } from '../tcp/server/server.ts';
import { CONNECT_OPTIONS, readOptions, readServerOptions } from '../util/read-options.ts';
import { MAX_SOCKETS } from '../sockets/socket-table.ts';
import { drain, write } from '../tcp/writer.ts';
import {
  checkOperationOptions,
  requireAddress,
  requireSomeBytes,
  requireCallback,
  requireData,
  requireHost,
  requireListenAddress,
  requireOwnConnections,
  requirePort,
  requireUnwatched,
} from './arguments.ts';
import { abortedAlready, callbackOf, CallGroup, optionsOf, whyNotTied, type CallContext } from './call-context.ts';
import { requireFamilies } from './name-arguments.ts';

export class StreamCalls extends CallGroup {
  createServer(address: string, port: number, options: ServerOptions = {}): ServerSocket {
    this.calls.lifecycle.open('createServer');
    requirePort(port, 0);
    const [at, read] = [requireListenAddress(address), readServerOptions(options)];
    // (Once more: a getter of theirs may have stopped the loop, and a stop closes what is open when it begins.)
    return openServer(this.calls.lifecycle.open('createServer'), at, port, read);
  }

  asyncAccept(
    server: ServerHandle,
    optionsOrCallback: OperationOptions | AcceptCallback,
    callbackOrNone?: AcceptCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncAccept');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const isAborted = abortedAlready('accept', options);
    const listener = this.calls.listener(server);
    if (context === null || listener === null) return refuseAccept(this.calls, callback, connectionClosed('accept'));
    requireUnwatched('asyncAccept', listener);
    requireOwnConnections('asyncAccept', listener);
    const refused = isAborted ?? whyNotTied(context, listener, beginAccepting);
    if (refused !== null) return refuseAccept(this.calls, callback, refused);
    return accept(context, listener, options, callback);
  }

  pauseAccept(server: ServerHandle): void {
    const context = this.calls.lifecycle.begun('pauseAccept');
    const listener = this.calls.listener(server);
    if (context !== null && listener !== null) pauseAccepting(context, listener);
  }

  resumeAccept(server: ServerHandle): void {
    const context = this.calls.lifecycle.begun('resumeAccept');
    const listener = this.calls.listener(server);
    if (context !== null && listener !== null) resumeAccepting(context, listener);
  }

  asyncConnect(address: string, port: number, given: ConnectOptions, callback: ConnectCallback): SocketHandle {
    const context = this.calls.lifecycle.begun('asyncConnect');
    requireCallback(callback);
    const host = requireHost('address', address);
    requirePort(port, 0);
    const options = readOptions<ConnectOptions>(given, CONNECT_OPTIONS);
    checkOperationOptions(options);
    const { localAddress: from, localPort = 0 } = options;
    requirePort(localPort, 0);
    const localAddress = from === undefined ? null : requireAddress('localAddress', from);
    const families = requireFamilies(address, host, localAddress, options);
    // (Before the look at the lifecycle: what prepares stacks may be the caller's own code.)
    const origin = context === null ? undefined : captureOrigin(context);
    if (context === null || this.calls.lifecycle.isStopping) return connectNowhere(this.calls, families[0], callback);
    const connection = addConnection(context, families[0], origin);
    if (connection === null) {
      refuseConnect(this.calls, callback, tooManySockets(MAX_SOCKETS), NO_HANDLE);
      return NO_HANDLE;
    }
    const common = { port, localAddress, localPort };
    if (typeof host !== 'string') connect(context, connection, { ...common, address: host }, options, callback);
    else connectByName(context, connection, { ...common, name: host, families }, options, callback);
    return connection.handle as SocketHandle;
  }

  asyncRead(
    socket: SocketHandle,
    given: Uint8Array,
    maxBytes: number,
    optionsOrCallback: OperationOptions | BytesCallback,
    callbackOrNone?: BytesCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncRead');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const buffer = requireSomeBytes('buffer', given);
    requireInteger('maxBytes', maxBytes, 1, buffer.byteLength);
    const isAborted = abortedAlready('read', options);
    const connection = this.calls.established(socket);
    if (context === null || connection === null)
      return this.calls.refuseBytes('read', callback, connectionClosed('read'));
    requireUnwatched('asyncRead', connection);
    const refused = isAborted ?? whyNotTied(context, connection, associate);
    if (refused !== null) return this.calls.refuseBytes('read', callback, refused);
    return read(context, connection, buffer, maxBytes, options, callback);
  }

  asyncReadView(
    socket: SocketHandle,
    optionsOrCallback: OperationOptions | ViewCallback,
    callbackOrNone?: ViewCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncReadView');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const isAborted = abortedAlready('read', options);
    const connection = this.calls.established(socket);
    if (context === null || connection === null) return refuseView(this.calls, callback, connectionClosed('read'));
    requireUnwatched('asyncReadView', connection);
    const refused = isAborted ?? whyNotTied(context, connection, associate);
    if (refused !== null) return refuseView(this.calls, callback, refused);
    return readView(context, connection, options, callback);
  }

  asyncWrite(
    socket: SocketHandle,
    given: WriteData,
    optionsOrCallback: OperationOptions | BytesCallback,
    callbackOrNone?: BytesCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncWrite');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const data = requireData(given);
    const total = byteLengthOf(data);
    const isAborted = abortedAlready('write', options);
    const connection = this.calls.established(socket);
    if (context === null || connection === null)
      return this.calls.refuseBytes('write', callback, connectionClosed('write'));
    requireUnwatched('asyncWrite', connection);
    const refused = isAborted ?? whyNotTied(context, connection, associate);
    if (refused !== null) return this.calls.refuseBytes('write', callback, refused);
    return write(context, connection, data, total, null, options, callback);
  }

  asyncDrain(
    socket: SocketHandle,
    lowWaterMark: number,
    optionsOrCallback: OperationOptions | BytesCallback,
    callbackOrNone?: BytesCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncDrain');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    requireInteger('lowWaterMark', lowWaterMark, 0, Number.MAX_SAFE_INTEGER);
    const isAborted = abortedAlready('drain', options);
    const connection = this.calls.established(socket);
    if (context === null || connection === null)
      return this.calls.refuseBytes('drain', callback, connectionClosed('drain'));
    requireUnwatched('asyncDrain', connection);
    if (isAborted !== null) return this.calls.refuseBytes('drain', callback, isAborted);
    return drain(context, connection, lowWaterMark, options, callback);
  }

  shutdown(socket: SocketHandle, how: ShutdownHow, callback?: ShutdownCallback): void {
    const context = this.calls.lifecycle.begun('shutdown');
    requireOneOf('how', how, ['send', 'receive', 'both']);
    if (callback !== undefined) requireCallback(callback);
    const connection = this.calls.established(socket);
    const refused =
      context === null || connection === null
        ? connectionClosed('shutdown')
        : whyNotTied(context, connection, associate);
    if (context !== null && connection !== null && refused === null) {
      shutdownConnection(context, connection, how, callback);
    } else if (callback !== undefined) {
      this.calls.answerSoon('shutdown', () => callback(refused));
    } else if (connection !== null && refused !== null) throw refused;
  }
}

function refuseView(calls: CallContext, callback: ViewCallback, error: NetworkError): OperationHandle {
  return calls.answerSoon('read', () => callback(error, Buffer.alloc(0)));
}

function refuseAccept(calls: CallContext, callback: AcceptCallback, error: NetworkError): OperationHandle {
  return calls.answerSoon('accept', () => callback(error, NO_HANDLE, NO_ENDPOINT, NO_ENDPOINT));
}

/** A connect while the loop stops, or after it has: the handle is that of a closed socket from the beginning. */
function connectNowhere(calls: CallContext, family: 4 | 6, callback: ConnectCallback): SocketHandle {
  const { sockets } = calls.lifecycle;
  const connection = sockets.add((handle) => new Connection(connectionKind, handle, family, 0, undefined));
  if (connection !== null) sockets.remove(connection);
  const handle = (connection?.handle ?? NO_HANDLE) as SocketHandle;
  refuseConnect(calls, callback, connectionClosed('connect'), handle);
  return handle;
}

function refuseConnect(calls: CallContext, callback: ConnectCallback, error: NetworkError, handle: SocketHandle): void {
  calls.answerSoon('connect', () => callback(error, handle, NO_ENDPOINT, NO_ENDPOINT));
}
