/**
 * The contract: what a server or client author calls. src/api implements it, on any backend; test/conformance holds every
 * backend to it.
 *
 * Rules that hold for every call:
 * - A mistake (bad argument, a handle that nobody has given out) throws. What depends on the moment (a socket that has
 *   closed, a stop, a full queue, a failure of the network) arrives in the callback. docs/errors.md has the table.
 * - Exactly one callback per call, in a later turn of the event loop, never inside the call itself.
 * - All callbacks of a socket run before its close callback, but for those of calls that were made when it was closing.
 * - Callbacks are error-first and run on the thread that owns the PAL, while its event loop runs.
 */
import type { DatagramPal } from './datagram.ts';
import type { FileCalls } from './file-transfer.ts';
import type { AnyHandle, Endpoint, ServerHandle, ServerSocket, SocketHandle, UdpHandle } from './handles.ts';
import type { LoopCalls } from './loops.ts';
import type { NameOptions } from './names.ts';
import type { NetworkError } from './network-error.ts';
import type { CancelOptions, OperationHandle, OperationOptions } from './pending-operation.ts';
import type { ProxyCalls } from './proxy-protocol.ts';
import type { Interest, WatchCallback, WouldBlock } from './readiness.ts';
import type { NetworkStats } from './network-stats.ts';
import type { PalDescription } from './pal-description.ts';
import type { AcceptControl, ServerOptions } from './server-options.ts';
import type { SocketOption, SocketOptionReadings, SocketOptionValues } from './socket-option.ts';

/** Called once: with the error, or null and the number of bytes. */
export type BytesCallback = (error: NetworkError | null, bytes: number) => void;
/**
 * Called once: with the error, or null and the bytes that have come, of which there are none at the end of the stream. They are in
 * memory of the library's own, and the caller's until this returns: what is to be kept is to be copied.
 */
export type ViewCallback = (error: NetworkError | null, view: Buffer) => void;
/**
 * Called once: with the error, or null and the new connection with both its end points: the peer's, and the local one, which
 * on a server that listens on any address says where the peer has connected to. On error, the handle is 0, and the addresses
 * are '' (as is one that the system does not name).
 */
export type AcceptCallback = (
  error: NetworkError | null,
  client: SocketHandle,
  peer: Endpoint,
  local: Endpoint,
) => void;
/**
 * Called once: with the error, or null and the connection's end points, as AcceptCallback has them. The handle is the one that
 * asyncConnect returned; on error it is closed.
 */
export type ConnectCallback = (
  error: NetworkError | null,
  socket: SocketHandle,
  peer: Endpoint,
  local: Endpoint,
) => void;
/** Called once: with the error, or null when that direction has ended. */
export type ShutdownCallback = (error: NetworkError | null) => void;
/** Called once, with nothing to say. */
export type CloseCallback = () => void;

/** Options of asyncConnect. The timeout covers resolving a name and all attempts; the system's own is about 21 s each. */
export interface ConnectOptions extends NameOptions, OperationOptions {
  /** Local address to connect from, as text. Default: the system's choice. */
  localAddress?: string | undefined;
  /** Local port. Default 0, the system's choice. */
  localPort?: number | undefined;
  /** TCP_NODELAY of the connection. Default false, as in node:net. */
  noDelay?: boolean | undefined;
}

/** Options of closeSocket. */
export interface CloseOptions {
  /**
   * Milliseconds that this close may spend on sending what is queued, 0 … 2^31 - 1; afterwards a connection is reset. 0 sends nothing
   * of it: the writes end with ConnectionClosed, a send that the system is working on is cancelled, and the connection ends as
   * closesocket ends it: with FIN, or with RST where bytes have come that nobody has read. Default: closeGraceMs.
   */
  graceMs?: number | undefined;
}

/** Directions of shutdown. */
export type ShutdownHow = 'send' | 'receive' | 'both';

/** One buffer, or several that are sent one after another. */
export type WriteData = Uint8Array | readonly Uint8Array[];

/** A network platform abstraction layer: sockets of one thread, and the loop that runs their callbacks. */
export interface NetworkPal extends AcceptControl, DatagramPal, FileCalls, LoopCalls, ProxyCalls {
  /**
   * Starts Winsock, opens the completion port and its waiter.
   * @throws NetworkError AlreadyInitialized on a second call, InitializationFailed where the platform cannot do it.
   */
  initialize(): void;
  /**
   * Runs callbacks until stopEventLoop(), or until nothing is left that keeps the process alive (stopWhenIdle: false goes on).
   * Returns at once; with the waiter 'inline' this thread waits between turns, for 8 ms at most. May be called again after
   * a stop, with fresh sockets.
   *
   * The promise is rejected with a NetworkError (EventLoopError, ERR_EVENT_LOOP_FAILED, with syscall and systemErrorCode) when the
   * system cannot be waited for any more: every socket has been closed and every call answered by then. docs/errors.md
   * @throws NetworkError NotInitialized before initialize(), EventLoopError while it runs already.
   */
  runEventLoop(): Promise<void>;
  /**
   * Ends the loop in order: closes every socket as closeSocket does, runs every callback, closes the port. Safe from
   * callbacks; a second call returns the same promise, and one before initialize() has nothing to do. Meanwhile, and
   * afterwards, asynchronous calls are answered with ConnectionClosed (so that a callback which goes on as usual meets an
   * error it handles anyway), closing is allowed, and calls that make something and have no callback throw
   * ERR_EVENT_LOOP_STOPPED. A callback that goes on for ever, whatever its error is, would keep the loop from ending: after a
   * thousand answers, and 16 more for each socket that was open, the next ones come later and later.
   */
  stopEventLoop(): Promise<void>;
  /** True from runEventLoop() until the stop has ended. */
  isRunning(): boolean;

  /**
   * Binds and listens.
   * @param address IPv4 or IPv6 text; '0.0.0.0' and '::' are any address, 'localhost' is 127.0.0.1. Nothing is looked up.
   * @param port 0 … 65535; 0 lets the system choose.
   * @throws NetworkError AddressInUse, AddressNotAvailable, InvalidAddress, PermissionDenied, …; RangeError for the port.
   */
  createServer(address: string, port: number, options?: ServerOptions): ServerSocket;
  /** Takes the next connection. Many calls may wait; they are served in order. */
  asyncAccept(server: ServerHandle, callback: AcceptCallback): OperationHandle;
  asyncAccept(server: ServerHandle, options: OperationOptions, callback: AcceptCallback): OperationHandle;
  /**
   * Connects. The handle is valid at once, for closeSocket, resetSocket and cancel, which abandon it.
   * @param address IPv4 or IPv6 text, or a host name, whose addresses are tried as RFC 8305 says until one answers
   *   (docs/names.md); '0.0.0.0' and '::' mean the loopback address.
   * @param port 0 … 65535; at port 0 nobody can be, which the callback is told (AddressNotAvailable, EADDRNOTAVAIL).
   * @throws NetworkError InvalidAddress for what is neither; TypeError or RangeError for the options. A name that cannot be
   *   resolved arrives in the callback, with the resolver's code: InvalidAddress when nobody knows it, else HostUnreachable.
   */
  asyncConnect(address: string, port: number, options: ConnectOptions, callback: ConnectCallback): SocketHandle;
  /**
   * Reads what is there, 1 … maxBytes bytes, into the start of `buffer`; 0 bytes mean that the peer ended its side.
   * Calls on one socket are served in order. A buffer from allocateBuffer() is filled by the kernel in place; any other is
   * written only right before its callback, so sockets may share one whose bytes each callback takes out before it returns.
   */
  asyncRead(socket: SocketHandle, buffer: Uint8Array, maxBytes: number, callback: BytesCallback): OperationHandle;
  asyncRead(
    socket: SocketHandle,
    buffer: Uint8Array,
    maxBytes: number,
    options: OperationOptions,
    callback: BytesCallback,
  ): OperationHandle;
  /**
   * Reads what is there, as asyncRead does and in order with it, and lends the bytes to the callback instead of copying them: a
   * view of the block that the system has filled, 1 … 65536 bytes, or none at the end of the stream.
   *
   * The view is the callback's until it returns, or throws. Afterwards it shows whatever the block is used for next: that is a
   * mistake of who keeps it, but never a crash, also after a stop, since the memory is garbage only with its last view. It shares
   * its ArrayBuffer with others, which cannot be transferred (allocateBuffer). An asyncWrite with it copies what it shows when its
   * turn comes, so write a copy. In worker threads, on completion ports, the bytes are copied into that block.
   */
  asyncReadView(socket: SocketHandle, callback: ViewCallback): OperationHandle;
  asyncReadView(socket: SocketHandle, options: OperationOptions, callback: ViewCallback): OperationHandle;
  /**
   * Writes everything, in order. The data must stay as it is until the callback. A write of nothing calls back with 0 in its
   * turn. The callback gets ResourceExhausted when the socket's queue is full, or those of all sockets together are
   * (maxQueuedBytesPerSocket, maxQueuedBytes): wait for callbacks, then write again. A single write may be larger than these
   * queues: it is taken while they are empty.
   * @throws TypeError for what is no data.
   */
  asyncWrite(socket: SocketHandle, data: WriteData, callback: BytesCallback): OperationHandle;
  asyncWrite(
    socket: SocketHandle,
    data: WriteData,
    options: OperationOptions,
    callback: BytesCallback,
  ): OperationHandle;
  /**
   * Calls back once no more than `lowWaterMark` bytes of writes are queued on the socket (getQueuedBytes), with their number then:
   * at once in a coming turn when that is so already. So a writer need not count: it writes until getQueuedBytes says that it is
   * enough, and goes on when this calls back, behind the callbacks of the writes that have left the queue.
   * The callback gets the error that breaks the stream, and ConnectionClosed when the socket is closed before.
   * @param lowWaterMark bytes, 0 … 2^53 - 1; 0 waits until the system has everything.
   * @throws RangeError or TypeError for another mark.
   */
  asyncDrain(socket: SocketHandle, lowWaterMark: number, callback: BytesCallback): OperationHandle;
  asyncDrain(
    socket: SocketHandle,
    lowWaterMark: number,
    options: OperationOptions,
    callback: BytesCallback,
  ): OperationHandle;
  /**
   * Asks for an asynchronous call to end now: its callback gets Interrupted (ECANCELED), unless it succeeds nevertheless.
   * A cancelled read takes no bytes: what arrives goes to the next one. A write of which nothing has gone out leaves the
   * queue; one that has partly gone out runs to its end, unless `hard` says otherwise. See docs/cancellation.md.
   * @param operation what asyncRead, asyncReadView, asyncWrite, asyncDrain, asyncSendFile, asyncAccept, asyncReceiveFrom,
   *   asyncReceiveBatch or asyncSendTo returned, or the handle of a socket that is connecting.
   * @returns false when there is nothing to cancel: the call is over, its outcome is on the way, or it is a write that has
   *   partly gone out.
   */
  cancel(operation: OperationHandle | SocketHandle, options?: CancelOptions): boolean;
  /**
   * Readiness: calls back in each turn in which the socket is ready. A second watch replaces the first.
   * Level-triggered: as long as there is something to read, or room to write, the callback comes again.
   * @throws NetworkError ERR_MIXED_APIS while asynchronous calls are pending on the socket.
   */
  watch(socket: AnyHandle, interest: Interest, callback: WatchCallback): void;
  /**
   * Ends a watch: its callback does not come again. Without a watch, or on a socket that is closed, it does nothing.
   * @throws NetworkError ERR_UNKNOWN_HANDLE for a handle that never was.
   */
  unwatch(socket: AnyHandle): void;
  /**
   * Reads what is there into the start of `buffer`: 1 … 65536 bytes, 0 for the end of the stream and when the socket is closed,
   * or WouldBlock.
   */
  tryRead(socket: SocketHandle, buffer: Uint8Array): number;
  /**
   * Hands bytes from the start of `data`, which may be a list, to the system, in one call and without a callback: 1 … 262144, or
   * WouldBlock, when writes are queued or in flight, when the system has no room, when this callback has sent on 64 other connections
   * (asyncWrite then waits for its turn in the loop), and when the socket is closed. `data` may be changed
   * at once. It may be used beside the asynchronous calls, also while a read is pending: try it first, and give what it leaves to
   * asyncWrite. A connection that is broken is WouldBlock too, and asyncWrite is told why.
   *
   * On a socket that has been watched, what the system has no room for becomes a send of the library's own, whose end makes the
   * socket writable; and what has broken the connection is thrown.
   * @throws NetworkError EPIPE after shutdown('send').
   * @see https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsasend
   */
  tryWrite(socket: SocketHandle, data: WriteData): number;
  /** Takes a connection that is there, or answers WouldBlock, also when the server is closed. */
  tryAccept(server: ServerHandle): SocketHandle | WouldBlock;
  /**
   * 'send': FIN after everything queued has been sent; later writes fail with EPIPE. 'receive': pending and later reads
   * get 0 bytes. 'both': both. On a socket that is closing or closed it does nothing, and says ConnectionClosed.
   * After 'receive' and 'both' Windows resets the connection when something arrives, or is there and was not read: a FIN is no such
   * thing. So read to the end of the stream first, or use 'send'.
   * @param callback gets null when the FIN is on its way ('receive': at once), behind the callbacks of the writes before it; or
   *   what has broken the connection before, or ConnectionClosed when the socket is closed here and what was queued is dropped.
   * @see https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-shutdown
   */
  shutdown(socket: SocketHandle, how: ShutdownHow, callback?: ShutdownCallback): void;
  /**
   * Closes: reads, accepts and connects end with ConnectionClosed, queued writes are flushed for at most closeGraceMs. A server has
   * stopped listening when the call returns, and its port is free.
   * A handle that is closed already is left alone; its callback still comes. A second call may shorten the grace of the first.
   * @throws TypeError or RangeError for the options.
   */
  closeSocket(socket: AnyHandle, callback?: CloseCallback): void;
  closeSocket(socket: AnyHandle, options: CloseOptions, callback?: CloseCallback): void;
  /** Closes at once with RST and drops what is queued, each write with ConnectionClosed. */
  resetSocket(socket: SocketHandle, callback?: CloseCallback): void;

  /**
   * Sets an option. SocketOption says what each is for, and SocketOptionValues what it takes.
   * On a socket that is closed, or whose peer has broken the connection, it does nothing.
   * @throws TypeError or RangeError for a value that the option does not take; NetworkError with the system's code (ENOPROTOOPT
   * where the system does not know the option).
   */
  setSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name, value: SocketOptionValues[Name]): void;
  /**
   * Reads an option from the system: what it made of the value, which for buffer sizes may be more than was set. The same while
   * the socket is closing; once it is closed, or its peer has broken the connection: false, 0, or { enabled: false, seconds: 0 }.
   * @throws NetworkError with the system's code.
   */
  getSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name): SocketOptionReadings[Name];
  /** Keeps (the default) the process alive while something is pending on the socket. Of one that is closed nothing is. */
  ref(socket: AnyHandle): void;
  /**
   * Lets the process end although the socket waits for somebody (reads, accepts, receives, watches). What was begun on it (a connect,
   * a write, a file, a datagram, a shutdown, a close) keeps the process alive until it is done, as in Node. On a socket that
   * is closed it does nothing.
   */
  unref(socket: AnyHandle): void;

  /**
   * The address that the socket is bound to, as text (`Endpoint.address`); '0.0.0.0' or '::' for any.
   * The same while the socket is closing, flushing what is queued; once it is closed (by the close callback, or by the end of a
   * stop): ''.
   * @throws NetworkError EINVAL before it is bound.
   */
  getLocalAddress(socket: AnyHandle): string;
  /**
   * The port that the socket is bound to, 1 … 65535. The same while the socket is closing; once it is closed: 0.
   * @throws NetworkError as getLocalAddress.
   */
  getLocalPort(socket: AnyHandle): number;
  /**
   * The peer's address, as text (`Endpoint.address`); IPv4 peers of a dual-stack server are '::ffff:a.b.c.d'. A UDP
   * socket has one after connectUdp. Of a connection that began with a PROXY header it is the client's. The same while the socket is closing; once it is closed: ''. Also '' of a connection
   * whose peer has gone before anybody asked.
   * @throws NetworkError ENOTCONN before the connection is established, ERR_SOCKET_DGRAM_NOT_CONNECTED for a UDP socket
   *   without a peer.
   */
  getRemoteAddress(socket: SocketHandle | UdpHandle): string;
  /**
   * The peer's port, 1 … 65535. Where getRemoteAddress says '': 0.
   * @throws NetworkError as getRemoteAddress.
   */
  getRemotePort(socket: SocketHandle | UdpHandle): number;
  /**
   * Bytes accepted by asyncWrite or asyncSendTo on this socket and not yet taken by the kernel: also while the socket is closing,
   * and flushes them. Once it is closed: 0.
   */
  getQueuedBytes(socket: SocketHandle | UdpHandle): number;

  /**
   * Zeroed memory that asyncRead, asyncWrite and asyncSendTo lend to the kernel in place, whole or in slices. V8 owns it: it lives
   * as long as the buffer or a slice of it does, also after the loop has stopped. Everything that takes a Buffer takes it: fs,
   * crypto and WebCrypto, zlib, TextDecoder, Blob, Response, streams of objects. What would part it from its memory throws (a
   * TypeError or a DataCloneError) or makes a copy: a byte stream (`type: 'bytes'`: enqueue a copy), `transfer()`, structuredClone
   * and postMessage with it in the transfer list. Small buffers share their ArrayBuffer, as those of Buffer.allocUnsafe() do: go
   * by byteOffset and length, and clone or post a copy (`Uint8Array.from(buffer)`), or the whole ArrayBuffer is cloned.
   *
   * In worker threads, which can be terminated without notice, completion ports do not use it in place: its bytes are copied there.
   * @param size bytes, 1 … 2^30.
   * @throws RangeError or TypeError for another size; NetworkError OutOfMemory (ENOMEM).
   * @see https://webassembly.github.io/spec/js-api/#memories (a buffer with a detach key)
   */
  allocateBuffer(size: number): Buffer;
  /**
   * A snapshot of all counters. Cheap: a few hundred property reads, no system call; take it as often as a monitor likes. After
   * the stop it is the last one.
   * @throws NetworkError NotInitialized before initialize().
   */
  stats(): NetworkStats;
  /** Every open socket with its state, what is pending on it, its queues and its age, as plain data. Makes no system call. */
  inspect(): PalDescription;
  /** The same as text for people, with the places that made sockets and calls when `trackOrigins` is on. */
  describe(): string;
}
