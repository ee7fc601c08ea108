/** The contract on Winsock: checks what it is given, and hands it to the part that does it. */
import type { Buffer } from 'node:buffer';
import type { AnyHandle, ServerHandle, ServerSocket, SocketHandle } from '../pal/handles.ts';
import { parseIpAddress, type IpAddress } from '../pal/ip-address.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../pal/network-error.ts';
import type {
  AcceptCallback,
  BytesCallback,
  CloseCallback,
  ConnectCallback,
  ConnectOptions,
  NetworkPal,
  ServerOptions,
  ShutdownHow,
  WriteData,
} from '../pal/network-pal.ts';
import type { Interest, WatchCallback, WouldBlock } from '../pal/readiness.ts';
import type { NetworkStats } from '../pal/network-stats.ts';
import type { SocketOption, SocketOptionReadings, SocketOptionValues } from '../pal/socket-option.ts';
import { accept, NO_HANDLE } from './acceptor.ts';
import { localEndpoint, remoteEndpoint } from './addresses.ts';
import { close, reset, shutdownConnection } from './closer.ts';
import { connect } from './connector.ts';
import { Connection } from './connection.ts';
import { describeDriver } from './describe.ts';
import { captureOrigin, setReferenced, type Driver } from './driver.ts';
import { connectionClosed, fromWin32Error, tooManySockets, type OperationName } from './errors.ts';
import { Lifecycle } from './lifecycle.ts';
import { Listener } from './listener.ts';
import { getOption, setOption } from './options.ts';
import { requireInteger, requireOneOf, resolvePalOptions, type PalOptions } from './pal-options.ts';
import { read } from './reader.ts';
import { byteLengthOf } from './requests.ts';
import { openServer } from './server.ts';
import { MAX_SOCKETS } from './socket-table.ts';
import type { SocketRecord } from './socket-record.ts';
import { collectStats } from './stats.ts';
import type { OpenBackend } from './transport.ts';
import { windowsKernel } from './windows-kernel.ts';
import { tryAccept, tryRead, tryWrite, unwatch, watch } from './watcher.ts';
import { write } from './writer.ts';

/** Largest allocateBuffer, bytes: 1 GiB. */
const MAX_BUFFER_SIZE = 2 ** 30;
/** Largest connect timeout, ms: what Node's timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export class WinsockPal implements NetworkPal {
  readonly #lifecycle: Lifecycle;

  constructor(options: PalOptions, openBackend: OpenBackend) {
    const resolved = resolvePalOptions(options);
    const { kernel } = options;
    this.#lifecycle = new Lifecycle(resolved, () => kernel ?? windowsKernel(), openBackend);
  }

  initialize(): void {
    this.#lifecycle.initialize();
  }

  runEventLoop(): Promise<void> {
    return this.#lifecycle.run();
  }

  stopEventLoop(): Promise<void> {
    return this.#lifecycle.stop();
  }

  isRunning(): boolean {
    return this.#lifecycle.isRunning;
  }

  createServer(address: string, port: number, options: ServerOptions = {}): ServerSocket {
    const driver = this.#lifecycle.open('createServer');
    requirePort(port, 0);
    return openServer(driver, requireAddress('address', address), port, options);
  }

  asyncAccept(server: ServerHandle, callback: AcceptCallback): void {
    const driver = this.#lifecycle.current('asyncAccept');
    requireCallback(callback);
    if (this.#lifecycle.isStopping) {
      driver.loop.enqueue(() => callback(connectionClosed('accept'), NO_HANDLE, null));
      return;
    }
    const record = this.#find(driver, server);
    if (!(record instanceof Listener)) throw wrongKind(server, 'a connection', 'createServer');
    requireUnwatched('asyncAccept', record);
    accept(driver, record, callback);
  }

  asyncConnect(address: string, port: number, options: ConnectOptions, callback: ConnectCallback): SocketHandle {
    const driver = this.#lifecycle.open('asyncConnect');
    requireCallback(callback);
    const target = requireAddress('address', address);
    requirePort(port, 1);
    const { localAddress, localPort = 0, timeout } = options;
    requirePort(localPort, 0);
    const local = localAddress === undefined ? null : requireAddress('localAddress', localAddress);
    if (local !== null && local.family !== target.family) {
      throw invalidAddress(`Cannot connect to ${address} from ${String(localAddress)}: one is IPv4, the other IPv6`);
    }
    if (timeout !== undefined) requireInteger('timeout', timeout, 1, MAX_TIMEOUT_MS);
    const origin = captureOrigin(driver);
    const now = driver.kernel.scheduler.now();
    const connection = driver.sockets.add((handle) => new Connection(handle, target.family, now, origin));
    if (connection === null) throw tooManySockets(MAX_SOCKETS);
    connect(driver, connection, { address: target, port, localAddress: local, localPort }, options, callback);
    return connection.handle as SocketHandle;
  }

  asyncRead(socket: SocketHandle, buffer: Uint8Array, maxBytes: number, callback: BytesCallback): void {
    const driver = this.#lifecycle.current('asyncRead');
    requireCallback(callback);
    if (this.#lifecycle.isStopping) {
      driver.loop.enqueue(() => callback(connectionClosed('read'), 0));
      return;
    }
    const connection = this.#connection(driver, socket);
    requireBytes('buffer', buffer);
    if (buffer.byteLength === 0) throw emptyBuffer('buffer', buffer);
    requireInteger('maxBytes', maxBytes, 1, buffer.byteLength);
    requireUnwatched('asyncRead', connection);
    read(driver, connection, buffer, maxBytes, callback);
  }

  asyncWrite(socket: SocketHandle, data: WriteData, callback: BytesCallback): void {
    const driver = this.#lifecycle.current('asyncWrite');
    requireCallback(callback);
    if (this.#lifecycle.isStopping) {
      driver.loop.enqueue(() => callback(connectionClosed('write'), 0));
      return;
    }
    const connection = this.#connection(driver, socket);
    if (Array.isArray(data)) for (const chunk of data) requireBytes('data', chunk);
    else requireBytes('data', data);
    const total = byteLengthOf(data);
    if (total === 0) throw emptyBuffer('data', data);
    requireUnwatched('asyncWrite', connection);
    write(driver, connection, data, total, callback);
  }

  watch(socket: AnyHandle, interest: Interest, callback: WatchCallback): void {
    const driver = this.#lifecycle.open('watch');
    const record = this.#find(driver, socket);
    requireCallback(callback);
    requireInterest(interest);
    const pending =
      record instanceof Listener
        ? record.waiting.length > 0
        : hasRequests(this.#connection(driver, socket as SocketHandle));
    if (pending) throw mixedFaces('watch', socket, 'asynchronous calls are pending on it. Await them first');
    watch(driver, record, { ...interest }, callback);
  }

  unwatch(socket: AnyHandle): void {
    const driver = this.#lifecycle.open('unwatch');
    unwatch(driver, this.#find(driver, socket));
  }

  tryRead(socket: SocketHandle, buffer: Uint8Array): number {
    const driver = this.#lifecycle.open('tryRead');
    const connection = this.#connection(driver, socket);
    requireBytes('buffer', buffer);
    if (buffer.byteLength === 0) throw emptyBuffer('buffer', buffer);
    if (connection.firstRead !== null)
      throw mixedFaces('tryRead', socket, 'an asyncRead is pending on it. Await it first');
    return tryRead(driver, connection, buffer);
  }

  tryWrite(socket: SocketHandle, data: Uint8Array): number {
    const driver = this.#lifecycle.open('tryWrite');
    const connection = this.#connection(driver, socket);
    requireBytes('data', data);
    if (data.byteLength === 0) throw emptyBuffer('data', data);
    return tryWrite(driver, connection, data);
  }

  tryAccept(server: ServerHandle): SocketHandle | WouldBlock {
    const driver = this.#lifecycle.open('tryAccept');
    const record = this.#find(driver, server);
    if (!(record instanceof Listener)) throw wrongKind(server, 'a connection', 'createServer');
    if (record.waiting.length > 0) throw mixedFaces('tryAccept', server, 'an asyncAccept waits on it. Await it first');
    return tryAccept(driver, record);
  }

  shutdown(socket: SocketHandle, how: ShutdownHow): void {
    const driver = this.#lifecycle.open('shutdown');
    const connection = this.#connection(driver, socket);
    requireOneOf('how', how, ['send', 'receive', 'both']);
    shutdownConnection(driver, connection, how);
  }

  closeSocket(socket: AnyHandle, callback?: CloseCallback): void {
    this.#close(socket, callback, close);
  }

  resetSocket(socket: SocketHandle, callback?: CloseCallback): void {
    this.#close(socket, callback, (driver, record, done) => {
      if (!(record instanceof Connection)) throw wrongKind(socket, 'a server', 'asyncConnect or asyncAccept');
      reset(driver, record, done);
    });
  }

  setSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name, value: SocketOptionValues[Name]): void {
    const driver = this.#lifecycle.open('setSocketOption');
    const record = this.#find(driver, socket);
    wrap('option', () => {
      setOption(driver, record, option, value);
    });
  }

  getSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name): SocketOptionReadings[Name] {
    const driver = this.#lifecycle.open('getSocketOption');
    const record = this.#find(driver, socket);
    return wrap('option', () => getOption(driver, record, option));
  }

  ref(socket: AnyHandle): void {
    const driver = this.#lifecycle.open('ref');
    setReferenced(driver, this.#find(driver, socket), true);
  }

  unref(socket: AnyHandle): void {
    const driver = this.#lifecycle.open('unref');
    setReferenced(driver, this.#find(driver, socket), false);
  }

  getLocalAddress(socket: AnyHandle): string {
    const driver = this.#lifecycle.open('getLocalAddress');
    return localEndpoint(driver, this.#find(driver, socket)).address;
  }

  getLocalPort(socket: AnyHandle): number {
    const driver = this.#lifecycle.open('getLocalPort');
    return localEndpoint(driver, this.#find(driver, socket)).port;
  }

  getRemoteAddress(socket: SocketHandle): string {
    const driver = this.#lifecycle.open('getRemoteAddress');
    return remoteEndpoint(driver, this.#connection(driver, socket)).address;
  }

  getRemotePort(socket: SocketHandle): number {
    const driver = this.#lifecycle.open('getRemotePort');
    return remoteEndpoint(driver, this.#connection(driver, socket)).port;
  }

  getQueuedBytes(socket: SocketHandle): number {
    const driver = this.#lifecycle.open('getQueuedBytes');
    return this.#connection(driver, socket).queuedBytes;
  }

  allocateBuffer(size: number): Buffer {
    const driver = this.#lifecycle.open('allocateBuffer');
    requireInteger('size', size, 1, MAX_BUFFER_SIZE);
    const buffer = driver.pinned.allocate(size);
    if (buffer !== null) return buffer;
    throw new NetworkError(`Cannot allocate ${size} bytes of pinned memory: the system has none left`, {
      kind: NetworkErrorCode.OutOfMemory,
      code: 'ENOMEM',
      syscall: 'VirtualAlloc',
    });
  }

  stats(): NetworkStats {
    return collectStats(this.#lifecycle.current('stats'));
  }

  describe(): string {
    return describeDriver(this.#lifecycle.current('describe'));
  }

  #close(
    handle: AnyHandle,
    callback: CloseCallback | undefined,
    act: (driver: Driver, record: SocketRecord, callback: CloseCallback | undefined) => void,
  ): void {
    const driver = this.#lifecycle.current('closeSocket');
    if (callback !== undefined) requireCallback(callback);
    const record = driver.sockets.find(handle);
    if (record !== undefined) {
      act(driver, record, callback);
      return;
    }
    if (!driver.sockets.wasClosed(handle)) throw unknownHandle(handle);
    // Closed already: the callback comes all the same, but there is nothing to keep the process alive for.
    if (callback !== undefined) driver.loop.enqueue(callback);
  }

  /** The open socket of a handle. */
  #find(driver: Driver, handle: AnyHandle): SocketRecord {
    const record = driver.sockets.find(handle);
    if (record !== undefined && !record.closing) return record;
    if (record === undefined && !driver.sockets.wasClosed(handle)) throw unknownHandle(handle);
    throw new NetworkError(
      `Cannot use socket ${handle}: it is closed. Windows may have given its number to another connection, ` +
        'which this handle does not reach',
      { kind: NetworkErrorCode.ConnectionClosed, code: 'ERR_SOCKET_CLOSED' },
    );
  }

  /** The open and established connection of a handle. */
  #connection(driver: Driver, handle: SocketHandle): Connection {
    const record = this.#find(driver, handle);
    if (!(record instanceof Connection)) throw wrongKind(handle, 'a server', 'asyncConnect or asyncAccept');
    if (record.connected) return record;
    throw new NetworkError(`Cannot use socket ${handle}: it is still connecting. Wait for asyncConnect's callback`, {
      kind: NetworkErrorCode.ConnectionFailed,
      code: 'ENOTCONN',
    });
  }
}

function wrap<Result>(operation: OperationName, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw fromWin32Error(operation, error);
  }
}

function requireAddress(name: string, text: unknown): IpAddress {
  if (typeof text !== 'string') {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_TYPE',
      `Cannot use ${name}: it must be a string, and is of type ${typeof text}`,
    );
  }
  const address = parseIpAddress(text);
  if (address !== null) return address;
  throw invalidAddress(
    `Cannot use ${name} '${text}': it must be an IPv4 or IPv6 address, as text. Resolve names first`,
  );
}

function invalidAddress(message: string): NetworkError {
  return new NetworkError(message, { kind: NetworkErrorCode.InvalidAddress, code: 'ERR_INVALID_IP_ADDRESS' });
}

function requirePort(port: unknown, least: 0 | 1): void {
  if (typeof port === 'number' && Number.isInteger(port) && port >= least && port <= 65535) return;
  throw argumentError(
    RangeError,
    'ERR_SOCKET_BAD_PORT',
    `Cannot use port ${String(port)}: it must be an integer from ${least} to 65535`,
  );
}

function requireCallback(callback: unknown): void {
  if (typeof callback === 'function') return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_TYPE',
    `Cannot use the callback: it must be a function, and is of type ${typeof callback}`,
  );
}

function requireBytes(name: string, value: unknown): void {
  if (value instanceof Uint8Array) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_TYPE',
    `Cannot use ${name}: it must be a Buffer or Uint8Array${name === 'data' ? ', or an array of them' : ''}`,
  );
}

function emptyBuffer(name: string, value: Uint8Array | readonly Uint8Array[]): TypeError {
  const detached = value instanceof Uint8Array && isDetached(value);
  return argumentError(
    TypeError,
    detached ? 'ERR_BUFFER_DETACHED' : 'ERR_INVALID_ARG_VALUE',
    detached
      ? `Cannot use ${name}: its ArrayBuffer was detached (transferred)`
      : `Cannot use ${name}: it has 0 bytes, where at least 1 is needed`,
  );
}

/** A detached array cannot be told from an empty one by its length: making a view on it is what fails. */
function isDetached(value: Uint8Array): boolean {
  try {
    new Uint8Array(value.buffer, 0, 0);
    return false;
  } catch {
    return true;
  }
}

function requireInterest(interest: Interest): void {
  if (typeof interest === 'object' && (interest.readable === true || interest.writable === true)) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    'Cannot watch for nothing: the interest must be { readable: true }, { writable: true } or both. unwatch() ends a watch',
  );
}

function hasRequests(connection: Connection): boolean {
  return connection.firstRead !== null || (connection.firstWrite !== null && !connection.tryWriting);
}

function requireUnwatched(call: string, record: SocketRecord): void {
  if (record.watch !== null) throw mixedFaces(call, record.handle, 'it is being watched. Call unwatch() first');
}

function mixedFaces(call: string, handle: number, why: string): NetworkError {
  return new NetworkError(`Cannot ${call} socket ${handle}: ${why}. A socket is used through one face at a time`, {
    kind: NetworkErrorCode.ConnectionFailed,
    code: 'ERR_MIXED_FACES',
  });
}

function unknownHandle(handle: unknown): NetworkError {
  return new NetworkError(`Cannot use socket handle ${String(handle)}: this PAL has never given it out`, {
    kind: NetworkErrorCode.ConnectionClosed,
    code: 'ERR_UNKNOWN_HANDLE',
  });
}

function wrongKind(handle: number, is: string, from: string): TypeError {
  return argumentError(
    TypeError,
    'ERR_INVALID_HANDLE_KIND',
    `Cannot use handle ${handle} here: it is ${is}. Pass one that came from ${from}`,
  );
}
