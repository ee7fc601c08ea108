/** Options of createServer, and what a server says about its limits. docs/accepting.md explains them. */
import type { ServerHandle } from './handles.ts';
import type { SpreadOptions } from './loops.ts';
import type { NetworkError } from './network-error.ts';
import type { ProxyProtocolOptions } from './proxy-protocol.ts';

/** Bounds between which the number of accepts kept posted follows the arrival of connections. */
export interface AcceptDepthBounds {
  /** What a server without arrivals keeps posted, 1 … 1024. Default 32, or `max` if that is less. */
  min?: number | undefined;
  /** What a busy one keeps posted at most: accepts, `min` … 1024. Default 512, or `min` if that is more. */
  max?: number | undefined;
}

/** Why a server takes no more connections, or has just refused one. */
export type AcceptLimit = 'maxConnections' | 'maxConnectionsPerAddress' | 'acceptRate';

/** What a server does with connections beyond maxConnections or acceptRate. */
export type WhenFull = 'pause' | 'close';

/** What onLimit is called with. */
export interface AcceptLimitEvent {
  /** The limit that was reached. */
  readonly reason: AcceptLimit;
  /** The connection was closed with RST. False: it was accepted, and those behind it wait in the system's backlog. */
  readonly refused: boolean;
  /** The connection's peer: the one that was refused, or the one that took the last place. */
  readonly address: string;
  /** Connections of this server that are open. */
  readonly connections: number;
}

/** Options of createServer. */
export interface ServerOptions {
  /**
   * Connections that the system completes before they are accepted, 1 … SOMAXCONN. Default 4096. Windows keeps 65535 at
   * most, and at least 200 where more are asked for (SOMAXCONN_HINT); Linux, and so Wine, net.core.somaxconn.
   * https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-listen
   */
  backlog?: number | undefined;
  /** SO_REUSEADDR. Default false: on Windows it lets another process take the port over. */
  reuseAddr?: boolean | undefined;
  /** SO_EXCLUSIVEADDRUSE. Default false. Nobody else can bind the port, not even with SO_REUSEADDR. */
  exclusive?: boolean | undefined;
  /** IPv6 servers: false (the default) also accepts IPv4 peers, as ::ffff:a.b.c.d. */
  ipv6Only?: boolean | undefined;
  /** SO_RCVBUF of accepted sockets, bytes. Default: the system's. */
  receiveBufferSize?: number | undefined;
  /** SO_SNDBUF of accepted sockets, bytes. Default: the system's. */
  sendBufferSize?: number | undefined;
  /** TCP_NODELAY of accepted sockets. Default false, as in node:net. */
  noDelay?: boolean | undefined;
  /**
   * AcceptEx operations kept posted: a number, 1 … 1024, for always so many; or bounds between which it follows the
   * arrival of connections. Default { min: 32, max: 512 }. Connections that nobody has taken hold a place.
   */
  acceptDepth?: number | AcceptDepthBounds | undefined;
  /** Connections of this server that may be open, 1 … 1048576, counted from accept to closesocket. Default: no limit. */
  maxConnections?: number | undefined;
  /**
   * The same for each remote address. What is beyond it is always closed: a pause would hold up every other address too.
   * Default: no limit.
   */
  maxConnectionsPerAddress?: number | undefined;
  /** Connections per second, 1 … 1000000; after a second without connections, as many at once. Default: no limit. */
  acceptRate?: number | undefined;
  /**
   * Beyond maxConnections or acceptRate: 'pause' (the default) accepts no more, so connections wait in the system's
   * backlog; 'close' accepts them and closes them at once with RST.
   */
  whenFull?: WhenFull | undefined;
  /**
   * Leaves the server, until its first asyncAccept, tryAccept or watch, and each of its connections, until the first call
   * that reads, writes, sends a file, watches or shuts down, without a completion port: so long they can go to another
   * loop (transfer, exportSocket). Default false.
   */
  deferAssociation?: boolean | undefined;
  /**
   * Hands every connection to one of these loops instead of to asyncAccept; they get it through onConnection. Limits on
   * open connections do not count what was handed on.
   */
  spread?: SpreadOptions | undefined;
  /**
   * Accept on the sockets of connections that have ended (DisconnectEx) instead of on fresh ones: a connection that the
   * peer ended first, and that was then closed without an error, with no socket option set. Sockets of this server do not
   * skip packets then. The WSAPoll backend, spread and deferAssociation leave it without effect. Default false: see
   * docs/accepting.md.
   */
  reuseSockets?: boolean | undefined;
  /** Called for every connection that was refused, and each time the server begins to pause. */
  onLimit?: ((event: AcceptLimitEvent) => void) | undefined;
  /**
   * The server is behind a proxy that tells who its clients are (HAProxy's send-proxy): each connection from there begins with a header, which is
   * read before anybody gets the connection, and its peer is then the client. Not together with spread and deferAssociation.
   * Default: nothing is read. See docs/accepting.md.
   */
  proxyProtocol?: ProxyProtocolOptions | undefined;
  /**
   * Called for every accept that failed and was posted again, and for every connection that proxyProtocol has refused; the server
   * goes on.
   */
  onAcceptError?: ((error: NetworkError) => void) | undefined;
}

/** Accepting, stopped and started by hand. */
export interface AcceptControl {
  /**
   * Stops accepting: new connections wait in the system's backlog, and asyncAccept calls wait. Connections that were
   * accepted already and not taken yet are kept until resumeAccept. A second call does nothing, as on a server that is closed.
   */
  pauseAccept(server: ServerHandle): void;
  /** Goes on where pauseAccept stopped. Does nothing on a server that is not paused, or is closed. */
  resumeAccept(server: ServerHandle): void;
}
