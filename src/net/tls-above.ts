/**
 * TLS sockets of Node's above a Socket: those of tls.connect({ socket }), of a server's emit('connection', socket), and of
 * new TLSSocket(socket).
 *
 * They find no native handle below and take the Socket for any stream, which names no ends, keeps no process alive, has no options of
 * TCP, and perhaps is not connected yet. So their class is taught to ask the Socket.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { nextTick } from '../platform/node-timers.ts';
import { state } from './socket-state.ts';

type Method = (this: TLSSocket, ...args: unknown[]) => unknown;

/** Node's wrap around a stream that has no native handle: what of it is used here. */
interface StreamWrap {
  _handle: object | null;
  doWrite: (request: object, data: readonly Uint8Array[]) => number;
  finishWrite(handle: object, error: number): void;
}

const ENDS = {
  _getpeername: ({ remoteAddress, remotePort, remoteFamily }: Socket) => end(remoteAddress, remotePort, remoteFamily),
  _getsockname: ({ localAddress, localPort, localFamily }: Socket) => end(localAddress, localPort, localFamily),
};
const PASSED_ON = ['ref', 'unref', 'setNoDelay', 'setKeepAlive'];

const below = new WeakMap<TLSSocket, Socket>();

/** Modules of its own that Node.js has loaded, and how many there were when tls was not among them yet. */
const { moduleLoadList = ['NativeModule tls'] } = process as unknown as { readonly moduleLoadList?: readonly string[] };
let length = 0;
let taught = false;

/**
 * To be called by what a TLS socket calls first. Whoever has no TLS does not load it here: it takes longer to load than all of
 * net.
 */
export function expectTls(): void {
  if (taught || moduleLoadList.length === length) return;
  ({ length } = moduleLoadList);
  taught = moduleLoadList.includes('NativeModule tls');
  if (taught) teach(process.getBuiltinModule('node:tls').TLSSocket.prototype);
}

function teach(prototype: TLSSocket): void {
  override(prototype, '_init', (askNodes, secure, args) => {
    askNodes();
    const [socket, wrap] = args;
    if (!isOfPal(socket)) return;
    begin(secure, socket);
    finishSoon(wrap as StreamWrap, socket);
  });
  for (const [name, endOf] of Object.entries(ENDS)) {
    override(prototype, name, (askNodes, secure) => {
      const socket = below.get(secure);
      return socket === undefined ? askNodes() : endOf(socket);
    });
  }
  for (const name of PASSED_ON) {
    override(prototype, name, (askNodes, secure, args) => {
      const socket = below.get(secure);
      if (socket !== undefined) Reflect.apply(Reflect.get(socket, name) as Method, socket, args);
      return askNodes();
    });
  }
}

function begin(secure: TLSSocket, socket: Socket): void {
  below.set(secure, socket);
  const isTold = Reflect.get(secure, '_parent') === socket; // where iocp-pal/register has put ours in the place of Node's
  Reflect.set(secure, 'connecting', socket.pending);
  if (socket.pending && !isTold) {
    socket.once('connect', () => {
      Reflect.set(secure, 'connecting', false);
      secure.emit('connect');
    });
  }
  // TLS ends its own side: what it still has to say when the peer has ended must not find this one ended.
  socket.allowHalfOpen = true;
  // Before anybody else hears of it.
  socket.once('close', () => secure.destroy());
}

/**
 * Node's wrap around a stream says that a write is over a turn after it was, and TLS keeps back what it has to say next until then: an
 * alert in front of a close would never be sent. What the system has taken in the call is over in a tick.
 */
function finishSoon(wrap: StreamWrap, socket: Socket): void {
  const { doWrite } = wrap;
  wrap.doWrite = (request, data) => {
    const answer = Reflect.apply(doWrite, wrap, [request, data]);
    if (answer === 0 && socket.writableLength === 0) nextTick(() => wrap._handle && wrap.finishWrite(wrap._handle, 0));
    return answer;
  };
}

function override(
  prototype: TLSSocket,
  name: string,
  answer: (askNodes: () => unknown, secure: TLSSocket, args: unknown[]) => unknown,
): void {
  const nodes = Reflect.get(prototype, name) as Method;
  Object.defineProperty(prototype, name, {
    value(this: TLSSocket, ...args: unknown[]) {
      return answer(() => Reflect.apply(nodes, this, args), this, args);
    },
    writable: true,
    configurable: true,
  });
}

function isOfPal(value: unknown): value is Socket {
  return typeof value === 'object' && value !== null && state in value;
}

function end(address: string | undefined, port: number | undefined, family: string | undefined): object {
  return address === undefined ? {} : { address, family, port };
}
