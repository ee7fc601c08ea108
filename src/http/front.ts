/**
 * A server of Node's (http, https, http2, tls) that listens on the PAL: a server of iocp-pal/net accepts in front of it, and hands it
 * each connection.
 *
 * Node's server keeps all that it does itself: it is given a handle, as listen() gives it one, and so its close(), address(), ref() and
 * count of connections go on as they are. What listens on a pipe, on a descriptor or in a cluster's worker stays Node's own, and so
 * does http2 without TLS: its sessions read and write a native handle, and on a stream without one they may end the process.
 */
import type nodeNet from 'node:net';
import type { Server, Socket } from 'node:net';
import { cannotRead, hasProxyProtocol } from '../node-shape/proxy-protocol.ts';
import { nextTick } from '../platform/node-timers.ts';

/** What Node's Server has, beside its documentation. */
interface NodeServer extends Server {
  _handle: object | null;
  _connections: number;
  _listeningId: number;
  _unref: boolean;
  allowHalfOpen?: boolean;
  pauseOnConnect?: boolean;
  noDelay?: boolean;
  keepAlive?: boolean;
  /** Seconds. */
  keepAliveInitialDelay?: number;
  highWaterMark?: number;
  blockList?: object;
}

/** What Node's Server asks its handle for. */
class FrontHandle {
  readonly #front: Server;

  constructor(front: Server) {
    this.#front = front;
  }

  close(closed?: () => void): void {
    this.#front.close();
    if (closed !== undefined) nextTick(closed);
  }

  getsockname(out: object): number {
    Object.assign(out, this.#front.address());
    return 0;
  }

  ref(): void {
    this.#front.ref();
  }

  unref(): void {
    this.#front.unref();
  }
}

/**
 * Listens.
 * @param net what accepts in front of it: iocp-pal/net
 * @param args of server.listen()
 * @param listenItself Node's own listen, for what is Node's own
 */
export function listenInFront(net: typeof nodeNet, server: Server, args: unknown[], listenItself: () => unknown): void {
  const listening = server as NodeServer;
  const needsHandle = 'updateSettings' in server && !('setSecureContext' in server); // http2's, and not tls's
  if (listening._handle !== null || needsHandle || !isPort(args)) {
    if (hasProxyProtocol(args[0])) throw cannotRead('this is listened on by Node.js itself');
    return void listenItself();
  }
  const front = frontOf(net, listening);
  const id = ++listening._listeningId;
  const begin = (): void => {
    if (listening._listeningId !== id) return void front.close(); // closed while its host was looked up
    if (listening._unref) front.unref(); // also while its host was looked up
    listening._handle ??= new FrontHandle(front);
  };
  front.on('error', (error) => listening.emit('error', error));
  front.on('listening', () => {
    begin();
    if (listening._handle !== null) listening.emit('listening');
  });
  const [callback] = args.filter((argument) => typeof argument === 'function').slice(-1);
  (front.listen as (...args: unknown[]) => unknown)(...args.filter((argument) => argument !== callback));
  if (callback !== undefined) listening.once('listening', callback as () => void);
  if (front.listening) begin();
}

function frontOf(net: typeof nodeNet, server: NodeServer): Server {
  const { allowHalfOpen, pauseOnConnect, noDelay, keepAlive, highWaterMark, blockList } = server;
  const keepAliveInitialDelay = (server.keepAliveInitialDelay ?? 0) * 1000;
  const asked = { allowHalfOpen, pauseOnConnect, noDelay, keepAlive, keepAliveInitialDelay, highWaterMark, blockList };
  const options = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const front = net.createServer(options);
  // The connections are counted where everybody looks: there is room for so many more.
  Object.defineProperty(front, 'maxConnections', {
    get: () => (typeof server.maxConnections === 'number' ? server.maxConnections - server._connections : undefined),
  });
  front.on('drop', (data) => server.emit('drop', data));
  front.on('proxyProtocolError', (error) => server.emit('proxyProtocolError', error));
  front.on('connection', (socket) => handOver(socket, front, server));
  return front;
}

function handOver(socket: Socket, front: Server, server: NodeServer): void {
  (front as NodeServer)._connections--;
  server._connections++;
  Object.assign(socket, { server, _server: server });
  server.emit('connection', socket);
}

/** A port of TCP, in this process: not a pipe, a descriptor, a handle, or a port that the primary of a cluster has. */
function isPort(args: readonly unknown[]): boolean {
  const [first] = args;
  const { isWorker } = process.getBuiltinModule('node:cluster') as unknown as { readonly isWorker: boolean };
  if (isWorker) return false;
  if (typeof first === 'string') return Number(first) >= 0;
  if (typeof first !== 'object' || first === null) return true;
  const { path, fd, handle, _handle } = first as Record<string, unknown>;
  return (path ?? fd ?? handle ?? _handle ?? null) === null;
}
