/** One attempt to connect a Socket to an address. */
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { nextTick } from '../platform/node-timers.ts';
import { textOrNone } from './arguments.ts';
import { isBlockedBy } from '../node-shape/block-list.ts';
import { blockedAddress, fromPal, systemError } from '../node-shape/errors.ts';
import { state } from './socket-state.ts';
import { TcpStream } from './tcp-stream.ts';
import { threadPal } from '../node-shape/thread-pal.ts';
import type { Endpoint, SocketHandle } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { TcpSocket } from './socket.ts';

/** Where one attempt goes. */
export interface Target {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** A lookup may answer inside connect(), before anybody can listen for errors. */
export function fail(socket: TcpSocket, error: Error): void {
  nextTick(() => socket.destroy(error));
}

/** The only attempt there is: its end is the socket's. */
export function connectToOne(socket: TcpSocket, target: Target): void {
  const { address, family, port } = target;
  socket.emit('connectionAttempt', address, port, family);
  if (!socket.connecting) return;
  if (isBlocked(socket, target)) return void socket.destroy(blockedAddress(address));
  attempt(socket, target, (error) => {
    if (error === null) return socket._connected();
    socket.emit('connectionAttemptFailed', address, port, family, error);
    socket.destroy(error);
  });
}

/** Whether somebody has given up, or closed it: a listener may have, at any event. */
export function isGivenUp(socket: TcpSocket): boolean {
  return !socket.connecting;
}

export function isBlocked(socket: TcpSocket, { address, family }: Target): boolean {
  return isBlockedBy(socket.blockList, address, family);
}

/**
 * Starts one attempt, whose connection becomes the socket's at once.
 * @param done called once, unless the socket gives the attempt up before
 * @returns the attempt, or null when it could not be started
 */
export function attempt(
  socket: TcpSocket,
  target: Target,
  done: (error: NodeJS.ErrnoException | null) => void,
): TcpStream | null {
  const { address, port, localAddress, localPort } = target;
  const own = socket[state];
  const finish = (error: NetworkError | null, _handle: SocketHandle, peer: Endpoint, local: Endpoint): void => {
    if (own.stream !== stream || stream === null) return; // given up
    if (error === null) {
      stream.peer = peer;
      stream.local = local;
      return done(null);
    }
    own.stream = null;
    done(connectError(error, target));
  };
  let stream: TcpStream | null = null;
  try {
    const pal = threadPal();
    if (port === 0) throw systemError('EADDRNOTAVAIL', 'connect', target);
    const options = { localAddress: textOrNone(localAddress), localPort: localPort ?? undefined };
    const handle = pal.asyncConnect(address, port, options, finish);
    own.stream = stream = new TcpStream(pal, handle, socket);
  } catch (error) {
    nextTick(() => {
      if (socket.connecting) done(fromThrown(error, target));
    });
  }
  return stream;
}

/** An attempt that failed: in binding the end here, or in reaching the other. */
function connectError(error: NetworkError, target: Target): NodeJS.ErrnoException {
  if (error.kind === NetworkErrorCode.BindFailed || error.syscall === 'bind') {
    return fromPal(error, 'bind', { address: target.localAddress, port: target.localPort });
  }
  return fromPal(error, 'connect', target);
}

function fromThrown(error: unknown, target: Target): NodeJS.ErrnoException {
  const { kind } = error as Partial<NetworkError>;
  return kind === undefined ? (error as Error) : connectError(error as NetworkError, target);
}
