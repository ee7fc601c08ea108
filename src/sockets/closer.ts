/**
 * Closing, for every kind of socket.
 *
 *   closeSocket ─► reads, accepts, connects are answered with ConnectionClosed
 *               ─► queued writes are flushed, for at most the grace of this close   (0: dropped; resetSocket: and SO_LINGER {1, 0})
 *               ─► CancelIoEx(socket, NULL) while the kernel still has operations of the socket
 *               ─► a server, or a UDP socket with nothing to send: closesocket
 *               ─► their packets come, one for each   (none although cancelled again and again: closesocket, then the packets)
 *               ─► closesocket, then the close callback             (or DisconnectEx: socket-reuse.ts)
 *
 * Why in this order: the kernel writes into OVERLAPPED and buffers until an operation's packet is dequeued, whatever has
 * been closed meanwhile. Windows answers closesocket with a receive pending by RST instead of FIN, so the FIN goes out
 * first (shutdown SD_SEND) when one is pending. Under Wine, closesocket with a send pending lets that send run on, on
 * whatever socket gets the number next.
 *
 * A listening socket has no stream to end, and as long as it is open the system completes connections for it. So it is closed in the
 * call itself: whoever connects afterwards is refused, and the port is free. A UDP socket gives its port back in the same way.
 * Windows gives the number to the next socket, so nothing uses it any more; the record, with the completion key that the packets
 * carry, stays until the last of them.
 *
 * A flush that outlives its grace ends in a reset: a FIN would tell the peer that it has got everything. (A UDP socket,
 * which has neither, drops the rest.) A grace of 0 flushes nothing, and so promises nothing: what is queued is dropped, what the
 * system is working on is cancelled, and closesocket ends the connection in its own way, as libuv's uv_close does.
 *
 * What differs from kind to kind is the kind's (socket-kind.ts).
 */
import { INVALID_SOCKET } from '../../ffi/constants.ts';
import type { Operation } from '../memory/operation.ts';
import { removeRequest, addRequest, type Context } from '../context/context.ts';
import type { CloseCallback } from '../pal/network-pal.ts';
import { boundOnce } from '../platform/async-context.ts';
import { DeadlineEntry } from '../loop/deadline-wheel.ts';
import type { SocketRecord } from './socket-record.ts';

/** What a close that somebody waits for, or that waits itself, knows. Its deadline is the end of what it may wait for. */
export class Closing extends DeadlineEntry {
  readonly record: SocketRecord;
  /** The last step of a connection whose socket is to be accepted on again: DisconnectEx. */
  disconnect: Operation | null = null;
  /** Who is told when the socket is gone. */
  readonly callbacks: CloseCallback[] = [];

  constructor(record: SocketRecord) {
    super();
    this.record = record;
  }
}

/** Made when a close needs one: a socket that is open has none. */
export function closingOf(record: SocketRecord): Closing {
  return (record.close ??= new Closing(record));
}

/**
 * Starts to close; a second call adds its callback to the first, and may shorten its grace.
 * @param graceMs for the flush; undefined: closeGraceMs, or as it is
 */
export function close(
  context: Context,
  record: SocketRecord,
  callback: CloseCallback | undefined,
  graceMs?: number,
): void {
  expectClose(context, record, callback);
  if (record.closing) {
    if (graceMs !== undefined) shortenGrace(context, record, graceMs);
    return;
  }
  record.closing = true;
  record.watch?.end();
  record.kind.beginClose(context, record);
  if (graceMs === 0) dropQueued(context, record);
  // (The grace of this close may also be for what follows the flush: a disconnect.)
  else if (graceMs !== undefined || !record.kind.isFlushed(record)) beginGrace(context, record, graceMs);
  settleClose(context, record);
}

function shortenGrace(context: Context, record: SocketRecord, graceMs: number): void {
  if (record.closed) return;
  if (graceMs === 0) {
    dropQueued(context, record);
    settleClose(context, record);
    return;
  }
  const { close } = record;
  const left = close?.timeLeft(context.platform.scheduler.now()) ?? null;
  if (close === null || left === null || left <= graceMs) return;
  context.closing.remove(close);
  beginGrace(context, record, graceMs);
}

function dropQueued(context: Context, record: SocketRecord): void {
  record.hasNoGrace = true;
  record.kind.drop(context, record);
}

/** Starts to close without waiting for anything, a connection with RST; or turns a close that is under way into that. */
export function reset(context: Context, record: SocketRecord, callback: CloseCallback | undefined): void {
  expectClose(context, record, callback);
  abort(context, record);
}

/** The same without a callback, for the library's own use. */
export function abort(context: Context, record: SocketRecord): void {
  record.resetting = true;
  record.closing = true;
  record.watch?.end();
  record.kind.abort(context, record);
  settleClose(context, record);
}

/**
 * Takes a closing socket one step further. Called when the close starts and after each of its operations came back.
 */
export function settleClose(context: Context, record: SocketRecord): void {
  // Closed already: a write's callback that closes the socket is followed by the send's own look at the close.
  if (record.closing && !record.closed) takeCloseFurther(context, record);
}

function takeCloseFurther(context: Context, record: SocketRecord): void {
  const { kind } = record;
  if (!kind.isFlushed(record)) return;
  if (record.inFlight > 0) {
    if (record.cancelled || !kind.beforeCancel(context, record)) return;
    record.cancelled = true;
    // A connect that got no socket: its failure is queued, and -1 as a handle means this process.
    if (record.socket !== INVALID_SOCKET) context.transport.cancelAll(record);
    if (kind.closesAtOnce(record)) closeSystemSocket(context, record);
    return;
  }
  if (!kind.recycle(context, record)) finishClose(context, record);
}

/** What a closing socket waits for must be over so many milliseconds from now. */
export function beginGrace({ closing, options }: Context, record: SocketRecord, graceMs = options.closeGraceMs): void {
  const close = closingOf(record);
  if (!close.hasDeadline) closing.add(close, graceMs);
}

/** The last step: closesocket, unless the socket is gone already, and the close callbacks. */
export function finishClose(context: Context, record: SocketRecord): void {
  record.closed = true;
  // Only now: a reset may have come while the packets of a close were awaited.
  if (record.socket !== INVALID_SOCKET) closeSystemSocket(context, record);
  context.sockets.remove(record);
  const { close } = record;
  if (close !== null) context.closing.remove(close);
  record.kind.gone(context, record);
  for (const callback of close?.callbacks.splice(0) ?? []) notifyClosed(context, record, callback);
}

/** Behind every other callback of this socket: they were queued before. */
function notifyClosed(context: Context, record: SocketRecord, callback: CloseCallback): void {
  context.loop.enqueue(() => {
    removeRequest(context, record);
    callback();
  });
}

/**
 * Cancels have not ended the operations of a closing socket. closesocket does; until their packets have come they keep their
 * memory, and the close callback waits. What was to be sent or received is lost, so it is a reset.
 */
export function closeUncancelled(context: Context, record: SocketRecord): void {
  if (record.closed || record.socket === INVALID_SOCKET) return;
  record.resetting = true;
  closeSystemSocket(context, record);
}

function closeSystemSocket(context: Context, record: SocketRecord): void {
  record.kind.beforeClosesocket(context, record);
  const { socket } = record;
  record.socket = INVALID_SOCKET;
  if (record.associated) context.transport.detach(record);
  context.counters.syscalls.closesocket++;
  context.platform.ws2_32.closesocket(socket);
}

function expectClose(context: Context, record: SocketRecord, callback: CloseCallback | undefined): void {
  if (callback === undefined) return;
  const boundCallback = boundOnce('close', callback);
  addRequest(context, record);
  // A hook of async_hooks, which has just seen it being made, may have closed the socket.
  if (record.closed) notifyClosed(context, record, boundCallback);
  else closingOf(record).callbacks.push(boundCallback);
}
