/** The calls of the contract for TCP: servers, connections, and their bytes. */
import type { ServerHandle, ServerSocket, SocketHandle } from '../../pal/handles.ts';
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
import type { ServerOptions } from '../../pal/server-options.ts';
import { accept, NO_HANDLE, pauseAccepting, resumeAccepting } from '../acceptor.ts';
import { associate } from '../association.ts';
import { remoteEndpoint } from '../addresses.ts';
import { reset, shutdownConnection } from '../closer.ts';
import { connect } from '../connector.ts';
import { connectByName } from '../name-connector.ts';
import { Connection } from '../connection.ts';
import { captureOrigin, type Driver } from '../driver.ts';
import { connectionClosed, tooManySockets } from '../errors.ts';
import { Listener } from '../listener.ts';
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
  requireHost,
  requireOwnConnections,
  requirePort,
  requireUnwatched,
  wrongKind,
} from './arguments.ts';
import { PalCore } from './core.ts';
import { requireFamilies } from './name-arguments.ts';

/** Largest timeout, ms: what Node's timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export abstract class StreamCalls extends PalCore {
  createServer(address: string, port: number, options: ServerOptions = {}): ServerSocket {
    const driver = this.lifecycle.open('createServer');
    requirePort(port, 0);
    return openServer(driver, requireAddress('address', address), port, options);
  }

  asyncAccept(server: ServerHandle, callback: AcceptCallback): void {
    const driver = this.lifecycle.current('asyncAccept');
    requireCallback(callback);
    if (this.lifecycle.isStopping) {
      driver.loop.enqueue(() => callback(connectionClosed('accept'), NO_HANDLE, null));
      return;
    }
    const listener = this.listener(driver, server);
    requireUnwatched('asyncAccept', listener);
    requireOwnConnections('asyncAccept', listener);
    accept(driver, listener, callback);
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
    const { localAddress: from, localPort = 0, timeout } = options;
    requirePort(localPort, 0);
    const localAddress = from === undefined ? null : requireAddress('localAddress', from);
    const families = requireFamilies(address, host, localAddress, options);
    if (timeout !== undefined) requireInteger('timeout', timeout, 1, MAX_TIMEOUT_MS);
    const origin = captureOrigin(driver);
    const now = driver.kernel.scheduler.now();
    const connection = driver.sockets.add((handle) => new Connection(handle, families[0], now, origin));
    if (connection === null) throw tooManySockets(MAX_SOCKETS);
    const common = { port, localAddress, localPort };
    if (typeof host !== 'string') connect(driver, connection, { ...common, address: host }, options, callback);
    else connectByName(driver, connection, { ...common, name: host, families }, options, callback);
    return connection.handle as SocketHandle;
  }

  asyncRead(socket: SocketHandle, buffer: Uint8Array, maxBytes: number, callback: BytesCallback): void {
    const driver = this.lifecycle.current('asyncRead');
    requireCallback(callback);
    if (this.lifecycle.isStopping) {
      driver.loop.enqueue(() => callback(connectionClosed('read'), 0));
      return;
    }
    const connection = this.connection(driver, socket);
    requireBytes('buffer', buffer);
    if (buffer.byteLength === 0) throw emptyBuffer('buffer', buffer);
    requireInteger('maxBytes', maxBytes, 1, buffer.byteLength);
    requireUnwatched('asyncRead', connection);
    read(driver, connection, buffer, maxBytes, callback);
  }

  asyncWrite(socket: SocketHandle, data: WriteData, callback: BytesCallback): void {
    const driver = this.lifecycle.current('asyncWrite');
    requireCallback(callback);
    if (this.lifecycle.isStopping) {
      driver.loop.enqueue(() => callback(connectionClosed('write'), 0));
      return;
    }
    const connection = this.connection(driver, socket);
    if (Array.isArray(data)) for (const chunk of data) requireBytes('data', chunk);
    else requireBytes('data', data);
    const total = byteLengthOf(data);
    if (total === 0) throw emptyBuffer('data', data);
    requireUnwatched('asyncWrite', connection);
    write(driver, connection, data, total, null, callback);
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
}
