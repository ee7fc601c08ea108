/**
 * Socket: node:net's, on a connection of the PAL.
 *
 * It is a Duplex whose constructor can also be called without `new`, as Node's can, and as old code that inherits from it does.
 * What needs something of Node's own (a descriptor, a native handle) gives a Socket of Node's.
 * Source: https://nodejs.org/api/net.html#class-netsocket
 */
import { AsyncResource } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import nodeNet from 'node:net';
import { Duplex, type DuplexOptions } from 'node:stream';
import { clearTimeout, nextTick, setImmediate, setTimeout } from '../platform/node-timers.ts';
import { invoke, normalizeArguments } from './arguments.ts';
import { isBlockList } from '../node-shape/block-list.ts';
import { isFreeInAgent } from '../node-shape/http-agent.ts';
import { becomeClass, hasPrototype } from '../node-shape/callable-class.ts';
import { checkConnectOptions, lookupAndConnect, type ConnectOptions } from './connect.ts';
import { closedBeforeConnection, socketClosed } from './errors.ts';
import { fromPal, refuse, systemError } from '../node-shape/errors.ts';
import { SocketState, state, type SocketStream, type UserBuffer } from './socket-state.ts';
import { expectTls } from './tls-above.ts';
import { PipeStream } from './pipe-stream.ts';
import { isGivenAtOnce } from './write-all.ts';
import { AcceptedConnection, TcpStream, type StreamOwner } from './tcp-stream.ts';
import type { Endpoint } from '../pal/handles.ts';

/** Node's own, as it was before anybody put another in its place. */
export const NodeSocket: typeof nodeNet.Socket = nodeNet.Socket;

const clientSockets = channel('net.client.socket');

/** Longest timeout, ms: what Node's timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Node's public options, and what a server adds for the sockets that it makes. */
export interface SocketOptions extends DuplexOptions {
  fd?: number | undefined;
  readable?: boolean | undefined;
  writable?: boolean | undefined;
  handle?: unknown;
  onread?: nodeNet.OnReadOpts | undefined;
  pauseOnCreate?: boolean | undefined;
  manualStart?: boolean | undefined;
  noDelay?: boolean | undefined;
  keepAlive?: boolean | undefined;
  keepAliveInitialDelay?: number | undefined;
  blockList?: nodeNet.BlockList | undefined;
}

type DestroyCallback = (error?: Error | null) => void;
type WriteCallback = (error?: Error | null) => void;

/** Everything of a Socket but its constructor. */
export class TcpSocket extends Duplex implements StreamOwner {
  declare readonly [state]: SocketState;
  declare connecting: boolean;
  declare timeout: number | undefined;
  declare server: nodeNet.Server | null;
  declare autoSelectFamilyAttemptedAddresses: string[] | undefined;
  declare blockList: nodeNet.BlockList | undefined;
  /** The server that counts this connection. */
  declare _server: { _connections: number; _emitCloseIfDrained?(): void } | null;
  declare _parent: TcpSocket | null;
  declare _host: string | null;

  // What the connection says

  readBuffer(): Uint8Array | null {
    return this[state].userBuffer?.buffer ?? null;
  }

  received(buffer: Uint8Array, bytes: number): boolean {
    if (this.destroyed || this._destroyFree()) return false;
    this._unrefTimer();
    const own = this[state].userBuffer;
    if (own?.buffer === undefined || own.buffer === null) {
      const chunk = Buffer.allocUnsafe(bytes);
      chunk.set(bytes === buffer.length ? buffer : buffer.subarray(0, bytes));
      return this.push(chunk);
    }
    const more = own.callback.call(this, bytes, buffer) !== false;
    takeNextBuffer(own);
    return more;
  }

  ended(): void {
    if (this._destroyFree()) return;
    this._unrefTimer();
    this.push(null);
    this.read(0);
  }

  /** Something has come where an http.Agent keeps the connection for its next request: it is used for none any more. */
  _destroyFree(): boolean {
    // (A server's connection is no agent's, and would be asked with every request.)
    const isFree = this._server === null && isFreeInAgent(this);
    if (isFree) this.destroy();
    return isFree;
  }

  failed(error: NodeJS.ErrnoException): void {
    if (!this.destroyed) this.destroy(fromPal(error, 'read'));
  }

  // Reading and writing, as Duplex asks for it

  override _read(size: number): void {
    const { stream } = this[state];
    if (stream === null || this.connecting) this.once('connect', () => this._read(size));
    else if (!stream.reading) stream.readStart();
  }

  override read(size?: number): unknown {
    readIntoUserBuffer(this);
    return super.read(size);
  }

  override resume(): this {
    readIntoUserBuffer(this);
    return super.resume();
  }

  override pause(): this {
    expectTls();
    const { stream, userBuffer } = this[state];
    if (userBuffer !== null && stream?.reading === true && !this.connecting) stream.readStop();
    return super.pause();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this._send([chunk], chunk.length, callback);
  }

  override _writev(chunks: readonly { chunk: Uint8Array }[], callback: WriteCallback): void {
    let bytes = 0;
    for (const { chunk } of chunks) bytes += chunk.length;
    this._send(
      chunks.map(({ chunk }) => chunk),
      bytes,
      callback,
    );
  }

  /** One write of all that is buffered: the Duplex has a queue already, so there is none here. */
  _send(data: readonly Uint8Array[], bytes: number, callback: WriteCallback): void {
    const own = this[state];
    if (this.connecting) {
      own.pendingBytes = bytes;
      const onClose = (): void => callback(closedBeforeConnection());
      this.once('connect', () => {
        this.off('close', onClose);
        this._send(data, bytes, callback);
      });
      this.once('close', onClose);
      return;
    }
    own.pendingBytes = 0;
    if (own.stream === null) return callback(socketClosed());
    this._unrefTimer();
    own.lastQueued = bytes;
    own.stream.write(data, bytes, (error) => {
      if (error !== null) return callback(fromPal(error, 'write'));
      if (!this.destroyed) {
        this._unrefTimer();
        own.lastQueued = 0;
      }
      callback(null);
    });
  }

  override _final(callback: DestroyCallback): void {
    const { stream } = this[state];
    if (this.connecting) {
      this.once('connect', () => this._final(callback));
      return;
    }
    if (stream === null) callback();
    else stream.shutdown((error) => callback(error === null ? null : shutdownError(error)));
  }

  override end(...args: unknown[]): this {
    super.end(...(args as []));
    return this;
  }

  override _destroy(exception: Error | null, callback: DestroyCallback): void {
    const own = this[state];
    const { stream, cancelConnect } = own;
    const hadError = exception !== null;
    const wasConnecting = this.connecting;
    if (stream !== null && !wasConnecting) own.former = stream;
    this.connecting = false;
    // A TLS socket of Node's may be the parent, and its timer is not here.
    if (own.timer !== null) clearTimeout(own.timer);
    own.timer = null;
    own.cancelConnect = null;
    cancelConnect?.();
    if (stream === null) {
      callback(exception);
      const closed = (): void => void this.emit('close', hadError);
      // Node's sockets have a handle from connect() on.
      if (wasConnecting) behindImmediates(closed);
      else nextTick(closed);
    } else {
      own.stream = null;
      const closed = behindBoth(() => this.emit('close', hadError));
      if (own.resetting) stream.reset(closed);
      else stream.close(closed, restOf(this));
      own.resetting = false;
      callback(exception);
    }
    const counted = this._server;
    if (counted === null) return;
    counted._connections--;
    counted._emitCloseIfDrained?.();
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  resetAndDestroy(): this {
    if (this.connecting) this.once('connect', () => reset(this));
    else if (this[state].stream !== null) reset(this);
    else this.destroy(socketClosed());
    return this;
  }

  // Connecting

  connect(...args: unknown[]): this {
    const [options, callback] = normalizeArguments<ConnectOptions>(args);
    if (clientSockets.hasSubscribers) clientSockets.publish({ socket: this });
    if (callback !== null) this.once('connect', callback);
    if (this._parent?.connecting === true) return this;
    checkConnectOptions(options);
    if (Object.hasOwn(this, 'write')) Reflect.deleteProperty(this, 'write');
    const own = this[state];
    if (this.connecting) return this;
    if (own.stream !== null) {
      nextTick(() =>
        this.destroy(systemError('EISCONN', 'connect', { address: options.host, port: Number(options.port) })),
      );
      return this;
    }
    renew(this);
    this._unrefTimer();
    this.connecting = true;
    lookupAndConnect(this, options);
    return this;
  }

  /** The connection is there. */
  _connected(): void {
    const own = this[state];
    const { stream } = own;
    if (stream === null) return;
    this.connecting = false;
    own.cancelConnect = null;
    this._unrefTimer();
    applyOptions(own, stream);
    this.emit('connect');
    this.emit('ready');
    // Starts to read, or hears of the end at once: of 0 bytes nothing is consumed.
    if (!this.isPaused()) this.read(0);
  }

  // Options

  setTimeout(ms: number, callback?: () => void): this {
    if (this.destroyed) return this;
    const wrong = typeof ms !== 'number' || !(ms >= 0 && Number.isFinite(ms));
    if (wrong || (callback !== undefined && typeof callback !== 'function')) {
      refuse(() => new NodeSocket().setTimeout(ms, callback));
    }
    this.timeout = ms;
    const own = this[state];
    if (own.timer !== null) clearTimeout(own.timer);
    own.timer = null;
    if (ms === 0) {
      if (callback !== undefined) this.removeListener('timeout', callback);
      return this;
    }
    own.timer = setTimeout(() => this._onTimeout(), Math.min(ms, MAX_TIMEOUT_MS));
    own.timer.unref();
    if (callback !== undefined) this.once('timeout', callback);
    return this;
  }

  _onTimeout(): void {
    const own = this[state];
    if (own.lastQueued > 0 && own.stream !== null) {
      // A write that gets on is not silence.
      const { queuedBytes } = own.stream;
      if (own.lastQueued !== queuedBytes) {
        own.lastQueued = queuedBytes;
        this._unrefTimer();
        return;
      }
    }
    this.emit('timeout');
  }

  /** Something has happened: the timeout begins anew. */
  _unrefTimer(): void {
    this[state].timer?.refresh();
  }

  setNoDelay(enable?: boolean): this {
    const own = this[state];
    const on = enable ?? true;
    const changed = on !== own.noDelay;
    own.noDelay = on;
    if (changed && own.stream !== null && !this.connecting) own.stream.setNoDelay(on);
    return this;
  }

  setKeepAlive(enable?: boolean, initialDelay?: number): this {
    const own = this[state];
    const on = Boolean(enable);
    const seconds = secondsOf(initialDelay);
    const wanted = on ? seconds : null;
    const changed = wanted !== own.keepAlive;
    own.keepAlive = wanted;
    if (changed && own.stream !== null && !this.connecting) own.stream.setKeepAlive(on, seconds);
    return this;
  }

  ref(): this {
    hold(this, true);
    return this;
  }

  unref(): this {
    hold(this, false);
    return this;
  }

  // What it says of itself

  get pending(): boolean {
    return this[state].stream === null || this.connecting;
  }

  get readyState(): nodeNet.SocketReadyState {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  get bufferSize(): number | undefined {
    return this[state].stream === null && !this.connecting ? undefined : this.writableLength;
  }

  get bytesRead(): number {
    return lastStreamOf(this)?.bytesRead ?? 0;
  }

  get _bytesDispatched(): number {
    return lastStreamOf(this)?.bytesWritten ?? 0;
  }

  /** Also what is buffered, and what waits for the connection. Undefined where no socket has been made: of the prototype. */
  get bytesWritten(): number | undefined {
    const buffered = bufferedBytes(this);
    return buffered === undefined ? undefined : this._bytesDispatched + this[state].pendingBytes + buffered;
  }

  get _connecting(): boolean {
    return this.connecting;
  }

  get remoteAddress(): string | undefined {
    return peerOf(this)?.address;
  }

  get remotePort(): number | undefined {
    return peerOf(this)?.port;
  }

  get remoteFamily(): string | undefined {
    return familyOf(peerOf(this));
  }

  get localAddress(): string | undefined {
    return localOf(this)?.address;
  }

  get localPort(): number | undefined {
    return localOf(this)?.port;
  }

  get localFamily(): string | undefined {
    return familyOf(localOf(this));
  }

  address(): nodeNet.AddressInfo | Record<string, never> {
    const local = localOf(this);
    if (local === undefined) return {};
    return { address: local.address, family: `IPv${local.family}`, port: local.port };
  }
}

type SocketConstructor = (new (options?: SocketOptions) => TcpSocket) & ((options?: SocketOptions) => TcpSocket);

/** The constructor. Node's own classes call it on objects of theirs (`net.Socket.call(this)`), which stay Node's. */
function construct(this: unknown, given?: SocketOptions | number): unknown {
  if (hasPrototype(this, NodeSocket.prototype))
    return Reflect.apply(NodeSocket as unknown as Constructor, this, [given]);
  const { fd, handle } = (typeof given === 'number' ? { fd: given } : given) ?? {};
  const isNodes =
    fd !== undefined || (handle !== undefined && handle !== null && !(handle instanceof AcceptedConnection));
  const inherits = isOurs(this) && Object.getPrototypeOf(this) !== TcpSocket.prototype;
  if (isNodes && !inherits) return Reflect.construct(NodeSocket, [given]);
  if (!isOurs(this)) return Reflect.construct(Socket, [given]);
  const options = typeof given === 'number' ? { fd: given } : given;
  begin(this, options);
  // An object of somebody's class stays that, with one of Node's below it.
  if (isNodes) standOnNodes(this, options ?? {});
  return undefined;
}

type Constructor = (this: unknown, ...args: unknown[]) => unknown;

function isOurs(value: unknown): value is TcpSocket {
  return hasPrototype(value, TcpSocket.prototype);
}

/** net.Socket: with or without `new`, and to inherit from. */
export const Socket = construct as unknown as SocketConstructor;
becomeClass(construct, 'Socket', TcpSocket.prototype, NodeSocket, Duplex);
Object.defineProperties(TcpSocket.prototype, {
  // Whoever asks the prototype, or an object whose constructor has not run yet, asks a socket without a connection.
  [state]: { value: Object.freeze(new SocketState()) },
  // There is no native handle. Node's own modules look for one, and take a socket without one for any other stream.
  _handle: { value: null, configurable: true, writable: true },
});

function begin(socket: TcpSocket, given: SocketOptions = {}): void {
  const wrong = given.objectMode ?? given.readableObjectMode ?? given.writableObjectMode ?? false;
  const { keepAliveInitialDelay, blockList, onread } = given;
  if (wrong || !isNumberOrUndefined(keepAliveInitialDelay) || !(blockList === undefined || isBlockList(blockList))) {
    refuse(() => new NodeSocket(given));
  }
  const own = new SocketState();
  Object.defineProperty(socket, state, { value: own });
  socket.connecting = false;
  socket._parent = null;
  socket._host = null;
  const options = { ...given, allowHalfOpen: Boolean(given.allowHalfOpen), emitClose: false, autoDestroy: true };
  Reflect.apply(Duplex as unknown as Constructor, socket, [{ ...options, decodeStrings: true }]);
  own.userBuffer = userBufferOf(onread);
  own.noDelay = Boolean(given.noDelay);
  if (given.keepAlive) own.keepAlive = secondsOf(keepAliveInitialDelay);
  socket.on('end', onEnd);
  socket.server = null;
  socket._server = null;
  if (blockList !== undefined) socket.blockList = blockList;
  if (given.handle instanceof AcceptedConnection) take(socket, given.handle, given);
}

/** Makes an accepted connection the socket's. */
function take(socket: TcpSocket, { pal, handle, peer, local }: AcceptedConnection, options: SocketOptions): void {
  const own = socket[state];
  own.stream = new TcpStream(pal, handle, socket);
  Object.assign(own.stream, { peer, local });
  applyOptions(own, own.stream);
  startReading(socket, options);
}

/** A descriptor or a native handle under an object of a class that inherits from ours. */
function standOnNodes(socket: TcpSocket, given: SocketOptions): void {
  const { onread: _own, ...options } = given;
  const node = new NodeSocket({ ...options, allowHalfOpen: true, manualStart: true } as nodeNet.SocketConstructorOpts);
  socket[state].stream = new PipeStream(socket, node);
  startReading(socket, given);
}

function startReading(socket: TcpSocket, { readable, pauseOnCreate, manualStart }: SocketOptions): void {
  if (readable === false) return;
  if (pauseOnCreate === true) Reflect.set(socket, 'readableFlowing', false);
  else if (manualStart !== true) socket.read(0);
}

/** The end of a handle of libuv's comes behind what setImmediate() is given where it is destroyed: until the next tick, that is. */
function behindImmediates(act: () => void): void {
  nextTick(() => setImmediate(act));
}

/**
 * The same for a connection: behind its end, too, and behind 'error', which comes in a tick. In the asynchronous context of its end.
 * @returns what that is to call
 */
function behindBoth(act: () => void): () => void {
  let isBehind = false;
  let waiting: (() => void) | null = null;
  behindImmediates(() => {
    isBehind = true;
    waiting?.();
  });
  return () => {
    if (isBehind) nextTick(act);
    else waiting = AsyncResource.bind(act);
  };
}

/** A connection that has ended already needs no end. */
function shutdownError(error: NodeJS.ErrnoException): Error | null {
  return error.code === 'ENOTCONN' ? null : fromPal(error, 'shutdown');
}

/** 'end': the peer sends nothing any more, and neither do we, unless half-open connections are allowed. */
function onEnd(this: TcpSocket): void {
  if (!this.allowHalfOpen) Object.assign(this, { write: writeAfterEnd });
}

const writeToDuplex = Reflect.get(Duplex.prototype, 'write') as (this: TcpSocket, ...args: unknown[]) => boolean;

/** Says more than "write after end", as it was not the caller who ended it. */
function writeAfterEnd(this: TcpSocket, chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
  if (!this.writableEnded) return Reflect.apply(writeToDuplex, this, [chunk, encoding, callback]);
  const done = typeof encoding === 'function' ? encoding : callback;
  const error = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
  if (typeof done === 'function') nextTick(done, error);
  this.destroy(error);
  return false;
}

/** Makes a socket that has not been connected, or has been destroyed, one that can be connected. */
function renew(socket: TcpSocket): void {
  const own = socket[state];
  invoke(socket, '_undestroy', []); // Node's own way back, which a Duplex has for net.Socket
  own.former = null;
  own.lastQueued = 0;
  if (own.userBuffer !== null) takeNextBuffer(own.userBuffer);
}

/** What was set before there was a connection. */
function applyOptions(own: SocketState, stream: SocketStream): void {
  if (own.noDelay) stream.setNoDelay(true);
  if (own.keepAlive !== null) stream.setKeepAlive(true, own.keepAlive);
  if (!own.referenced) stream.unref();
}

/** Who knows how much was read and written, also after the end. */
function lastStreamOf(socket: TcpSocket): SocketStream | null {
  const { stream, former } = socket[state];
  return stream ?? former;
}

function reset(socket: TcpSocket): void {
  socket[state].resetting = true;
  socket.destroy();
}

function hold(socket: TcpSocket, referenced: boolean): void {
  const own = socket[state];
  own.referenced = referenced;
  // Until it is connected the attempt keeps the process alive, as libuv's does.
  if (own.stream === null || socket.connecting) return;
  if (referenced) own.stream.ref();
  else own.stream.unref();
}

function readIntoUserBuffer(socket: TcpSocket): void {
  const { stream, userBuffer } = socket[state];
  if (userBuffer !== null && stream?.reading === false && !socket.connecting) stream.readStart();
}

function userBufferOf(onread: SocketOptions['onread']): UserBuffer | null {
  if (typeof onread !== 'object' || (onread as unknown) === null || typeof onread.callback !== 'function') {
    return null;
  }
  const { buffer } = onread;
  const callback = Reflect.get(onread, 'callback') as UserBuffer['callback'];
  if (typeof buffer === 'function') return { buffer: null, next: () => buffer(), callback };
  return buffer instanceof Uint8Array ? { buffer, next: null, callback } : null;
}

function takeNextBuffer(own: UserBuffer): void {
  const next = own.next?.();
  if (next instanceof Uint8Array) own.buffer = next;
}

function peerOf(socket: TcpSocket): Endpoint | undefined {
  const { stream, former } = socket[state];
  return (stream === null || socket.connecting ? former : stream)?.peer;
}

function localOf(socket: TcpSocket): Endpoint | undefined {
  return socket.connecting ? undefined : socket[state].stream?.local;
}

function familyOf(endpoint: Endpoint | undefined): string | undefined {
  return endpoint === undefined ? undefined : `IPv${endpoint.family}`;
}

/** Bytes that the Duplex holds. Strings have been made bytes by then. Undefined before its constructor has run. */
function bufferedBytes(socket: TcpSocket): number | undefined {
  return (socket as unknown as Buffering).writableBuffer?.reduce((sum, { chunk }) => sum + chunk.length, 0);
}

/** What the Duplex holds behind the write that is under way, unless a part of that is held back, too: nothing may follow the hole. */
function restOf(socket: TcpSocket): readonly Uint8Array[] {
  if (socket.writableLength === 0) return NONE;
  const { writableBuffer = [] } = socket as unknown as Buffering;
  const underWay = socket.writableLength - (bufferedBytes(socket) ?? 0);
  return isGivenAtOnce(underWay) ? writableBuffer.map(({ chunk }) => chunk) : [];
}

const NONE: readonly Uint8Array[] = [];

interface Buffering {
  readonly writableBuffer?: readonly { readonly chunk: Uint8Array }[];
}

function isNumberOrUndefined(value: unknown): value is number | undefined {
  return value === undefined || typeof value === 'number';
}

/** Whole seconds of so many milliseconds; 0 for what is no time. */
function secondsOf(ms: number | undefined): number {
  return Math.max(0, Math.trunc((ms ?? 0) / 1000)) || 0;
}
