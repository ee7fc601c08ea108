/** What inspect() returns and describe() prints: every socket with its state, what is pending on it, and its age. */
import type { AnyHandle, Endpoint } from './handles.ts';

/** A PAL at the moment of the call: plain data, which JSON.stringify takes and which does not change afterwards. */
export interface PalDescription {
  /** Initialized and not run yet, running, or in stopEventLoop. */
  readonly state: 'ready' | 'running' | 'stopping';
  /** Operations under way, over all sockets. */
  readonly operations: number;
  /** Callbacks that somebody still waits for, over all sockets. */
  readonly pendingCallbacks: number;
  /** Bytes accepted for sending and not yet taken by the kernel, over all sockets. */
  readonly queuedBytes: number;
  /** Every open socket; one that is closing is open until its close callback. */
  readonly sockets: readonly SocketDescription[];
}

/** What a socket is. */
export type SocketKind = 'connection' | 'server' | 'udp';

/**
 * Where a socket is in its life. A connection is CONNECTING, then CONNECTED, READING, WRITING or READING+WRITING as calls
 * are pending on it, then CLOSING. A server is LISTENING, or PAUSED by pauseAccept, then CLOSING. A UDP socket
 * is BOUND, or CONNECTED by connectUdp, then CLOSING.
 */
export type SocketState =
  'CONNECTING' | 'CONNECTED' | 'READING' | 'WRITING' | 'READING+WRITING' | 'LISTENING' | 'PAUSED' | 'BOUND' | 'CLOSING';

/** One open socket. */
export interface SocketDescription {
  /** The handle that the calls of the PAL take. */
  readonly handle: AnyHandle;
  /** The system's number of the socket (SOCKET), as other tools show it; -1 before it exists and once it is closed. */
  readonly systemSocket: number;
  /** What it is. */
  readonly kind: SocketKind;
  /** Where it is in its life. */
  readonly state: SocketState;
  /** Milliseconds since it was made. */
  readonly ageMs: number;
  /** The end point it is bound to, where the library knows it without asking the system: of servers and UDP sockets. */
  readonly local: Endpoint | null;
  /** The peer, or the end point that a connection is being made to, as far as it is known. */
  readonly peer: Endpoint | null;
  /** The name that is being connected to, and how far that has come, as text; null without one, and once it is connected. */
  readonly name: string | null;
  /** Keeps the process alive while something is pending on it; see ref() and unref(). */
  readonly referenced: boolean;
  /** What its watch asks for, or null when nobody watches it. */
  readonly watching: { readonly readable: boolean; readonly writable: boolean } | null;
  /** Callbacks that somebody waits for, the close callbacks included. */
  readonly pendingCallbacks: number;
  /**
   * Its queues by name: how much of what the name says. Connections: bytesQueued (for sending), bytesUnread (received for
   * a reader that had gone), readsWaiting, writesWaiting. Servers: acceptsPosted, connectionsUntaken, acceptsWaiting,
   * connectionsOpen (those that its limits count), and with proxyProtocol proxyHeadersAwaited. UDP sockets: receivesPosted, datagramsUntaken, bytesUnread (pinned by
   * these), sendsUnderWay, sendsWaiting, bytesQueued.
   */
  readonly queues: Readonly<Record<string, number>>;
  /** Operations that the kernel, or the queue of finished ones, still has. */
  readonly operations: readonly OperationDescription[];
  /** Calls that wait for their callback, in the order in which they will be served. */
  readonly requests: readonly RequestDescription[];
  /** Stack trace of the call that made it, one place per line; only with `trackOrigins`. */
  readonly origin?: string;
}

/** One operation of the kernel. */
export interface OperationDescription {
  /**
   * 'Receive', 'Send', 'Accept', 'Connect', 'ReceiveFrom', 'SendTo', 'Disconnect' or 'ZeroByteReceive' (the zero-byte receive of a
   * watch).
   */
  readonly kind: string;
  /** 'Prepared', 'Submitted', 'Cancelling' or 'Completed': where it is in its life. */
  readonly state: string;
  /** Number of its slot. */
  readonly slot: number;
  /** The system call: 'WSARecv'. */
  readonly syscall: string;
}

/** One call that waits for its callback. */
export interface RequestDescription {
  /** Which call. */
  readonly kind: 'read' | 'write' | 'sendFile' | 'drain' | 'accept' | 'connect' | 'receive' | 'send';
  /**
   * Bytes asked for: the most that a read or receive takes, all that a write, send or sendFile has to send, the mark of a drain; 0
   * for others. A sendFile's head and tail count from the start, the file from when its size is known.
   */
  readonly bytes: number;
  /** Bytes of them that are done: sent, for a write and a sendFile. */
  readonly done: number;
  /** Milliseconds until its deadline, 0 when that is due; null when it has none. */
  readonly timeLeftMs: number | null;
  /** An AbortSignal can end it. */
  readonly hasSignal: boolean;
  /** The file that a sendFile sends; left out once its last byte has gone, and for other calls. */
  readonly file?: FileDescription;
  /** Stack trace of the call, one place per line; only with `trackOrigins`. */
  readonly origin?: string;
}

/** A file that is being sent, or waits for its turn. */
export interface FileDescription {
  /** Its path, or `descriptor 5`. */
  readonly source: string;
  /** First byte of it that is to be sent, counted from 0. */
  readonly offset: number;
  /** Bytes of it that are to be sent; null before it is open, and for what has no size. */
  readonly length: number | null;
  /** Bytes of it that the system has taken. */
  readonly sent: number;
}
