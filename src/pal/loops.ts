/** Many loops: what a PAL offers to other threads and other processes. docs/loops.md shows how the parts go together. */
import type { AnyHandle, Endpoint, ServerSocket, SocketHandle } from './handles.ts';
import type { NetworkError } from './network-error.ts';
import type { ServerOptions } from './server-options.ts';

/**
 * Names the event loop of a PAL, for other threads of the process: plain data that postMessage and workerData take.
 * `openRemote(token)` makes a RemoteLoop of it there. It ends with the loop's run: after stopEventLoop() it is closed.
 */
export interface RemoteToken {
  /** Says what the data is. */
  readonly kind: 'iocp-pal/remote';
  /** The queue. */
  readonly queue: SharedArrayBuffer;
  /** The completion port's HANDLE, through which the loop is woken. */
  readonly port: number;
  /** Number of the PAL, which its handles carry. */
  readonly pal: number;
}

/** Called with each message that was posted under the callback's number. The bytes are the callback's own. */
export type RemotePostCallback = (message: Uint8Array) => void;
/** Called when something that another thread submitted cannot be done. The handle is 0 when it was not about a socket. */
export type RemoteErrorCallback = (error: NetworkError, socket: AnyHandle) => void;

/**
 * A connection on its way from one thread to another: plain data that postMessage takes. It can be received once, by whichever
 * thread comes first.
 */
export interface TransferToken {
  /** Says what the data is. */
  readonly kind: 'iocp-pal/socket';
  /** The SOCKET. */
  readonly socket: number;
  /** 4 for IPv4, 6 for IPv6. */
  readonly family: 4 | 6;
  /** The connection's peer, as far as it is known. */
  readonly peer: Endpoint | null;
  /** Three words of shared memory: 1 once somebody has received the connection, and the SOCKET in two halves. */
  readonly taken: Int32Array;
}

/** A socket on its way to another process: plain data that JSON takes. It can be imported once, in that process. */
export interface SocketInfo {
  /** Says what the data is. */
  readonly kind: 'iocp-pal/connection' | 'iocp-pal/server';
  /** Names this export: a UUID, by which a second import in the same thread is noticed. */
  readonly id: string;
  /** Id of the process that it is for. */
  readonly pid: number;
  /** 4 for IPv4, 6 for IPv6. */
  readonly family: 4 | 6;
  /** A connection's peer. */
  readonly peer: Endpoint | null;
  /** WSAPROTOCOL_INFOW in base64. */
  readonly protocolInfo: string;
}

/** How a spreading server chooses the loop for a connection: in turn, or the one with the fewest open ones. */
export type SpreadPolicy = 'round-robin' | 'least-loaded';

/** Where a server hands its connections. */
export interface SpreadOptions {
  /** What the loops' pal.remote() returned; at least one. The server's own loop may be among them. */
  readonly loops: readonly RemoteToken[];
  /** Default 'round-robin'. */
  readonly policy?: SpreadPolicy | undefined;
}

/** Options of importServer: those of createServer that are not about binding. */
export type ImportServerOptions = Pick<
  ServerOptions,
  | 'receiveBufferSize'
  | 'sendBufferSize'
  | 'noDelay'
  | 'acceptDepth'
  | 'maxConnections'
  | 'maxConnectionsPerAddress'
  | 'acceptRate'
  | 'whenFull'
  | 'deferAssociation'
  | 'spread'
  | 'onLimit'
  | 'onAcceptError'
  | 'proxyProtocol'
>;

/** Called with each connection that a spreading server has handed to this loop, and its end points, as AcceptCallback has them. */
export type ConnectionCallback = (socket: SocketHandle, peer: Endpoint, local: Endpoint) => void;

/** The part of the contract that other loops see. */
export interface LoopCalls {
  /**
   * Opens this loop for submissions from other threads. Every call in one run returns the same token.
   * @throws NetworkError ERR_NOT_SUPPORTED on the WSAPoll backend, which has no port to wake.
   */
  remote(): RemoteToken;
  /**
   * Registers a callback for messages from other threads: `RemoteLoop.post(number, message)` calls it in a turn of this
   * loop. It keeps the process alive until offRemotePost() or the end of the run. Returns its number.
   */
  onRemotePost(callback: RemotePostCallback): number;
  /**
   * Takes a callback back; messages to its number are reported to onRemoteError.
   * @param id the callback's id: the number that onRemotePost returned
   */
  offRemotePost(id: number): void;
  /**
   * Sets who gets the connections that spreading servers of other loops hand to this one. It keeps the process alive until
   * it is set to null. Without one such connections are reset and reported to onRemoteError.
   */
  onConnection(callback: ConnectionCallback | null): void;
  /** Sets the callback for submissions that failed (a write to a socket that has closed, a message to nobody); null: nobody. */
  onRemoteError(callback: RemoteErrorCallback | null): void;

  /**
   * Takes a connection out of this loop, for another thread's receiveTransfer(). Nothing that the peer has sent is lost. The handle is
   * that of a closed socket from then on. A connection that nobody has received when this loop stops is reset.
   * @throws NetworkError ERR_SOCKET_ASSOCIATED unless it came from a server with deferAssociation and has not been used.
   */
  transfer(socket: SocketHandle): TransferToken;
  /**
   * Takes over the connection of a token. It can be transferred again until the first call that ties it (deferAssociation).
   * The system is asked what the SOCKET is before it is taken over; after an error the token is as good as before.
   * @throws NetworkError ERR_TOKEN_USED when somebody has received it, or its loop has stopped; ENOTSOCK when its SOCKET is none
   * (any more); TypeError ERR_INVALID_ARG_VALUE for other things, and when the SOCKET is not the connection that the token says.
   */
  receiveTransfer(token: TransferToken): SocketHandle;

  /**
   * Makes a duplicate of a socket for another process. A connection leaves this loop, as with transfer(). A server stays,
   * goes on accepting here, and may be exported again: every process that has it takes connections from it.
   * @param pid the other process's id.
   * @throws NetworkError ERR_SOCKET_ASSOCIATED for a connection, as transfer(); what WSADuplicateSocketW reports, such as an unknown process.
   */
  exportSocket(socket: AnyHandle, pid: number): SocketInfo;
  /**
   * Takes over a connection of another process. After an error it can be tried again.
   * @throws NetworkError ERR_TOKEN_USED when this thread has imported it already, ERR_WRONG_PROCESS when it is for another
   * process; TypeError ERR_INVALID_ARG_VALUE for other things, and when the system says otherwise than the information.
   */
  importSocket(info: SocketInfo): SocketHandle;
  /**
   * Accepts from a server of another process, beside it. After an error of getsockname, or of what ties it to this loop, it must
   * be exported again.
   * @throws as importSocket.
   */
  importServer(info: SocketInfo, options?: ImportServerOptions): ServerSocket;
}
