/**
 * Server: node:net's, on a listening socket of the PAL.
 *
 * A pipe, a descriptor, a handle or a cluster's port is listened on by a Server of Node's, whose events are passed on.
 * Source: https://nodejs.org/api/net.html#class-netserver
 */
import { channel, tracingChannel } from 'node:diagnostics_channel';
import dns from 'node:dns';
import { EventEmitter } from 'node:events';
import nodeNet, { isIP } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { nextTick } from '../platform/node-timers.ts';
import { normalizeArguments } from './arguments.ts';
import { isBlockedBy, isBlockList } from '../node-shape/block-list.ts';
import { becomeClass, hasPrototype } from '../node-shape/callable-class.ts';
import { codedError, explained, refuse } from '../node-shape/errors.ts';
import { readListenArguments, type TcpPlace } from './listen.ts';
import { cannotRead, giveHeader, proxyProtocolIn } from '../node-shape/proxy-protocol.ts';
import { Socket, type SocketOptions } from './socket.ts';
import { AcceptedConnection } from './tcp-stream.ts';
import { threadPal } from '../node-shape/thread-pal.ts';
import type { Endpoint, ServerSocket, SocketHandle } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { NetworkPal } from '../pal/network-pal.ts';
import type { ProxyProtocolOptions } from '../pal/proxy-protocol.ts';

/** Node's own, as it was before anybody put another in its place. */
export const NodeServer: typeof nodeNet.Server = nodeNet.Server;

/** As it was before anybody put another in its place, which may come here again. */
const listenOfNode = Reflect.get(nodeNet.Server.prototype, 'listen') as (...args: unknown[]) => unknown;

const serverSockets = channel('net.server.socket');
const listens = tracingChannel('net.server.listen');

/** Node's options of a server, as they may come from JavaScript. */
export interface ServerOptions extends nodeNet.ServerOpts {
  readonly blockList?: nodeNet.BlockList | undefined;
  readonly proxyProtocol?: ProxyProtocolOptions | undefined;
}

type ConnectionListener = (socket: nodeNet.Socket) => void;

/** A server that listens on the PAL. */
interface Listening {
  readonly pal: NetworkPal;
  readonly socket: ServerSocket;
  /** Its connections may have begun with a PROXY header. */
  readonly readsHeaders: boolean;
}

/** The key under which a Server holds what is its own business. */
const state = Symbol('iocp-pal server');

class ServerState {
  readonly options: ServerOptions;
  /** Whose PROXY headers are read, where listen() does not say it. */
  readonly proxyProtocol: ProxyProtocolOptions | undefined;
  listening: Listening | null = null;
  /** What listens in its place, where that is Node's own. */
  node: nodeNet.Server | null = null;
  referenced = true;
  /** Counts listen() and close(): a lookup that answers after the next of them has nothing to say. */
  calls = 0;

  constructor(options: ServerOptions, proxyProtocol: ProxyProtocolOptions | undefined) {
    this.options = options;
    this.proxyProtocol = proxyProtocol;
  }
}

/** Everything of a Server but its constructor. */
export class TcpServer extends EventEmitter {
  declare readonly [state]: ServerState;
  declare _connections: number;
  /** What was asked for, as Node.js writes it down: family, address and port. */
  declare _connectionKey: string | undefined;
  declare maxConnections: number | undefined;
  declare dropMaxConnection: boolean | undefined;
  declare allowHalfOpen: boolean;
  declare pauseOnConnect: boolean;
  declare noDelay: boolean;
  declare keepAlive: boolean;
  declare keepAliveInitialDelay: number;
  declare highWaterMark: number;
  declare blockList: nodeNet.BlockList | undefined;

  listen(...args: unknown[]): this {
    const own = this[state];
    const [options, callback] = normalizeArguments<object>(args);
    if (this.listening) {
      throw codedError('ERR_SERVER_ALREADY_LISTEN', 'Listen method has been called more than once without closing.');
    }
    if (listens.hasSubscribers) listens.asyncStart.publish({ server: this, options });
    const place = readListenArguments(args);
    const proxyProtocol = proxyProtocolIn(options) ?? own.proxyProtocol;
    if (place === null && proxyProtocol !== undefined) {
      throw cannotRead('this is listened on by Node.js (a pipe, a descriptor, a handle, or a port of a cluster)');
    }
    if (callback !== null) this.once('listening', callback);
    own.calls++;
    if (place === null) listenOnNodes(this, args);
    else listenOnPort(this, place, proxyProtocol);
    return this;
  }

  close(callback?: (error?: Error) => void): this {
    const own = this[state];
    own.calls++;
    const { listening, node } = own;
    if (typeof callback === 'function') {
      if (this.listening) this.once('close', callback);
      else this.once('close', () => callback(codedError('ERR_SERVER_NOT_RUNNING', 'Server is not running.')));
    }
    own.listening = null;
    own.node = null;
    if (listening !== null) listening.pal.closeSocket(listening.socket.handle);
    if (node === null) this._emitCloseIfDrained();
    else node.close(() => this._emitCloseIfDrained());
    return this;
  }

  get listening(): boolean {
    return this[state].listening !== null || this[state].node?.listening === true;
  }

  address(): nodeNet.AddressInfo | string | null {
    const { listening, node } = this[state];
    if (listening === null) return node?.address() ?? null;
    const { address, port } = listening.socket;
    return { address, family: `IPv${isIP(address)}`, port };
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    const { node } = this[state];
    if (node === null) nextTick(callback, null, this._connections);
    else node.getConnections(callback);
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

  /** 'close' comes when nobody listens and every connection has ended. */
  _emitCloseIfDrained(): void {
    if (this.listening || this._connections > 0) return;
    nextTick(() => this.emit('close'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.listening) return;
    await new Promise<void>((resolve, reject) => {
      this.close((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  override [EventEmitter.captureRejectionSymbol](error: Error, event: string | symbol, ...args: unknown[]): void {
    if (event === 'connection') (args[0] as nodeNet.Socket).destroy(error);
    else this.emit('error', error);
  }
}

type ServerConstructor = (new (
  options?: ServerOptions | ConnectionListener,
  listener?: ConnectionListener,
) => TcpServer) &
  ((options?: ServerOptions | ConnectionListener, listener?: ConnectionListener) => TcpServer);
type Constructor = (this: unknown, ...args: unknown[]) => unknown;

/** The constructor. Node's own classes (http.Server, tls.Server) call it on objects of theirs, which stay Node's. */
function construct(this: unknown, options?: unknown, listener?: unknown): unknown {
  if (hasPrototype(this, NodeServer.prototype))
    return Reflect.apply(NodeServer as unknown as Constructor, this, [options, listener]);
  if (!isOurs(this)) return Reflect.construct(Server, [options, listener]);
  begin(this, options, listener);
  return undefined;
}

function isOurs(value: unknown): value is TcpServer {
  return hasPrototype(value, TcpServer.prototype);
}

/** net.Server: with or without `new`, and to inherit from. */
export const Server = construct as unknown as ServerConstructor;
becomeClass(construct, 'Server', TcpServer.prototype, NodeServer, EventEmitter);

function begin(server: TcpServer, given: unknown, listener: unknown): void {
  const options = (typeof given === 'object' && given !== null ? { ...given } : {}) as ServerOptions;
  const wrong = (given ?? null) !== null && typeof given !== 'object' && typeof given !== 'function';
  if (
    wrong ||
    !areNumbers(options.keepAliveInitialDelay, options.highWaterMark) ||
    !isBlockListOrNone(options.blockList)
  ) {
    refuse(() => new NodeServer(given as ServerOptions));
  }
  const proxyProtocol = proxyProtocolIn(options);
  Reflect.apply(EventEmitter as unknown as Constructor, server, []);
  Object.defineProperty(server, state, { value: new ServerState(options, proxyProtocol) });
  const onConnection = typeof given === 'function' ? given : listener;
  if (typeof onConnection === 'function') server.on('connection', onConnection as ConnectionListener);
  const { highWaterMark = getDefaultHighWaterMark(false), keepAliveInitialDelay = 0 } = options;
  server._connections = 0;
  server.allowHalfOpen = Boolean(options.allowHalfOpen);
  server.pauseOnConnect = Boolean(options.pauseOnConnect);
  server.noDelay = Boolean(options.noDelay);
  server.keepAlive = Boolean(options.keepAlive);
  server.keepAliveInitialDelay = Math.trunc(Math.max(0, keepAliveInitialDelay) / 1000);
  server.highWaterMark = highWaterMark < 0 ? getDefaultHighWaterMark(false) : highWaterMark;
  if (options.blockList !== undefined) server.blockList = options.blockList;
}

function areNumbers(...values: unknown[]): boolean {
  return values.every((value) => value === undefined || typeof value === 'number');
}

function isBlockListOrNone(value: unknown): boolean {
  return !value || isBlockList(value);
}

/** A pipe, a descriptor, a handle, a cluster's port: Node's own. It also refuses arguments that make no sense. */
function listenOnNodes(server: TcpServer, args: readonly unknown[]): void {
  const own = server[state];
  // A worker of a cluster may call it again before the primary has answered: then too it is one server.
  const node = own.node ?? serverOfNode(server);
  const rest = args.filter((argument) => typeof argument !== 'function');
  Reflect.apply(listenOfNode, node, rest);
  own.node = node;
}

/** A Server of Node's, with the events of ours. */
function serverOfNode(server: TcpServer): nodeNet.Server {
  const own = server[state];
  const node = new NodeServer(own.options);
  if (!own.referenced) node.unref();
  // What a cluster's worker looks at before it takes a connection of the primary's.
  for (const name of ['maxConnections', 'dropMaxConnection'] as const) {
    Object.defineProperty(node, name, { get: () => server[name], configurable: true });
  }
  node.on('connection', (socket: nodeNet.Socket) => {
    Object.assign(socket, { server });
    server.emit('connection', socket);
  });
  node.on('listening', () => server.emit('listening'));
  node.on('drop', (data: unknown) => server.emit('drop', data));
  node.on('error', (error) => {
    if (own.node === node && !node.listening) own.node = null;
    server.emit('error', error);
  });
  return node;
}

function listenOnPort(server: TcpServer, place: TcpPlace, proxyProtocol: ProxyProtocolOptions | undefined): void {
  closeOnAbort(server, place.signal);
  const { host } = place;
  if (host === undefined) return open(server, place, undefined, proxyProtocol);
  const { calls } = server[state];
  dns.lookup(host, { all: true }, (error, addresses) => {
    if (calls !== server[state].calls) return; // closed meanwhile
    if (error !== null) server.emit('error', error);
    else {
      const { address } = addresses.find((found) => !isLinkLocal(found.address)) ?? addresses[0] ?? {};
      open(server, place, address, proxyProtocol);
    }
  });
}

/** fe80::/10, which means nothing without an interface. */
const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address) && isIP(address) === 6;

function closeOnAbort(server: TcpServer, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const close = (): void => void server.close();
  if (signal.aborted) return nextTick(close);
  signal.addEventListener('abort', close, { once: true });
  server.once('close', () => signal.removeEventListener('abort', close));
}

/** Binds and listens. Without an address on all of them, of both families where the system has both. */
function open(
  server: TcpServer,
  place: TcpPlace,
  address: string | undefined,
  proxyProtocol: ProxyProtocolOptions | undefined,
): void {
  const own = server[state];
  const failed = (reason: unknown, where: string): void => {
    const error = explained(reason as Error, 'listen', { address: where, port: place.port });
    if (listens.hasSubscribers) listens.error.publish({ server, error });
    nextTick(() => server.emit('error', error));
  };
  // Windows has no such option: the system chooses no socket by itself.
  if (place.reusePort) return failed({ code: 'ENOTSUP' }, address ?? '0.0.0.0');
  const { backlog, ipv6Only } = place;
  const readsHeaders = proxyProtocol !== undefined;
  const onAcceptError = (error: NetworkError): void => {
    // Of those that could not be accepted nobody knows whose they were: node:net says nothing of them either.
    if (error.address !== undefined) server.emit('proxyProtocolError', error);
  };
  const options = {
    backlog,
    ipv6Only,
    noDelay: server.noDelay,
    ...(readsHeaders && { proxyProtocol, onAcceptError }),
  };
  const candidates = address === undefined ? ['::', '0.0.0.0'] : [address];
  for (const candidate of candidates) {
    server._connectionKey = `${isIP(candidate)}:${candidate}:${place.port}`;
    try {
      const pal = threadPal();
      own.listening = { pal, socket: pal.createServer(candidate, place.port, options), readsHeaders };
      break;
    } catch (error) {
      const { code } = error as NetworkError;
      // A port that is in use is so whatever the family is.
      if (candidate === candidates.at(-1) || code === 'EADDRINUSE') return failed(error, candidate);
    }
  }
  if (listens.hasSubscribers) listens.asyncEnd.publish({ server });
  if (!own.referenced) hold(server, false);
  accept(server);
  nextTick(() => {
    if (own.listening !== null) server.emit('listening');
  });
}

/** Takes connections, one after the other, as long as the server listens. */
function accept(server: TcpServer): void {
  const { listening } = server[state];
  if (listening === null) return;
  const { pal, socket, readsHeaders } = listening;
  const accepted = (error: NetworkError | null, client: SocketHandle, peer: Endpoint, local: Endpoint): void => {
    if (error !== null) return; // closed, or stopped
    if (server[state].listening === listening) pal.asyncAccept(socket.handle, accepted);
    take(server, new AcceptedConnection(pal, client, peer, local), readsHeaders);
  };
  pal.asyncAccept(socket.handle, accepted);
}

function take(server: TcpServer, connection: AcceptedConnection, readsHeaders: boolean): void {
  const { pal, handle, peer } = connection;
  if (typeof server.maxConnections === 'number' && server._connections >= server.maxConnections) {
    server.emit('drop', dropped(connection));
    pal.closeSocket(handle);
    return;
  }
  if (isBlockedBy(server.blockList, peer.address, peer.family)) return pal.closeSocket(handle);
  const options: SocketOptions = {
    handle: connection,
    allowHalfOpen: server.allowHalfOpen,
    pauseOnCreate: server.pauseOnConnect,
    readable: true,
    writable: true,
    readableHighWaterMark: server.highWaterMark,
    writableHighWaterMark: server.highWaterMark,
    noDelay: server.noDelay,
    keepAlive: server.keepAlive,
    keepAliveInitialDelay: server.keepAliveInitialDelay * 1000,
  };
  const header = readsHeaders ? pal.getProxyHeader(handle) : null;
  const socket = new Socket(options);
  if (readsHeaders) giveHeader(socket as unknown as nodeNet.Socket, header);
  server._connections++;
  socket.server = server as unknown as nodeNet.Server;
  socket._server = server;
  server.emit('connection', socket);
  if (serverSockets.hasSubscribers) serverSockets.publish({ socket });
}

/** What 'drop' says of a connection that is refused. */
function dropped({ peer, local }: AcceptedConnection): nodeNet.DropArgument {
  return {
    localAddress: local.address,
    localPort: local.port,
    localFamily: `IPv${local.family}`,
    remoteAddress: peer.address,
    remotePort: peer.port,
    remoteFamily: `IPv${peer.family}`,
  };
}

function hold(server: TcpServer, referenced: boolean): void {
  const own = server[state];
  own.referenced = referenced;
  const what = referenced ? 'ref' : 'unref';
  own.node?.[what]();
  own.listening?.pal[what](own.listening.socket.handle);
}
