/**
 * The readiness of a connection.
 *
 * Readable: a zero-byte receive (zero-byte-receive.ts) is posted ahead of time. It is posted again after every callback, and completes at
 * once while there is something left: that is what makes it level-triggered.
 *
 * Writable: there is no such thing as a zero-byte send that waits. But a send of real bytes does wait, so the one send
 * that may be in flight is the signal: what the system has no room for now, tryWrite copies into it, and the socket is writable
 * when it has come back.
 *
 * An error that the zero-byte receive met is kept for tryRead: the system may report it only once.
 */
import { Buffer } from 'node:buffer';
import { WSAENOBUFS, WSAEWOULDBLOCK } from '../../../ffi/wsa-errors.ts';
import type { Context } from '../../context/context.ts';
import { BLOCK_SIZES, classFor, LARGEST_CLASS } from '../../memory/block-pool.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { WriteData } from '../../pal/network-pal.ts';
import { WouldBlock, type Interest, type WatchCallback } from '../../pal/readiness.ts';
import { copyAllIn } from '../../util/bytes.ts';
import { systemError, writeAfterEnd } from '../../util/errors.ts';
import type { Connection } from '../connection/connection.ts';
import { postZeroByteReceive } from '../zero-byte-receive.ts';
import { byteLengthOf } from '../connection/requests.ts';
import { readinessOf } from '../connection/readiness-state.ts';
import { Stream, WriteEnd, writeOf } from '../connection/write-state.ts';
import { receiveNow, sendNow, sendPartsNow } from '../immediate-calls.ts';
import { takeUnread } from '../reader.ts';
import { whyEnded, write } from '../writer.ts';
import { hasRoom, startWatch, Watch } from './watch.ts';

/** Bytes that one tryRead asks the system for at most. */
const MAX_TRY_READ = 65536;
/** Bytes that one tryWrite takes at most: one send. */
const MAX_TRY_WRITE = BLOCK_SIZES[LARGEST_CLASS] ?? 0;
/** Parts that are sent from where they lie; with more of them a copy costs less than their WSABUFs. */
const MAX_PARTS = 16;

class ConnectionWatch extends Watch<Connection> {
  protected get isReadable(): boolean {
    const { unread, ended } = this.record.read;
    return this.received || unread !== null || failureOf(this.record) !== null || ended;
  }

  protected isWritable(): boolean {
    const { context } = this;
    const connection = this.record;
    if (isSending(connection)) return false;
    // A broken connection is writable: tryWrite then says what broke it, and takes no room.
    if (failureOf(connection) !== null || connection.write.end !== WriteEnd.Open) return true;
    if (!hasRoom(context)) context.waitingWatches.awaitRoom(connection);
    else if (context.operations.free === 0) context.waitingWatches.awaitSlot(connection);
    else return true;
    return false;
  }

  protected awaitReadable(): void {
    // Nothing is wrong with a connection without an operation: it waits until somebody else's has ended.
    if (!postZeroByteReceive(this.context, this.record)) this.context.waitingWatches.awaitSlot(this.record);
  }
}

/** Starts a watch, or changes the one that is there. */
export function watchConnection(
  context: Context,
  connection: Connection,
  interest: Interest,
  callback: WatchCallback,
): void {
  startWatch(context, connection, interest, callback, becomeWatched, ConnectionWatch);
}

function becomeWatched(_context: Context, connection: Connection): void {
  readinessOf(connection);
}

/** Reads what is there now into the start of `target`. Returns the count, 0 for the end of the stream, or WouldBlock. */
export function tryRead(context: Context, connection: Connection, target: Uint8Array): number {
  if (connection.read.unread !== null) return takeUnread(context, connection, target);
  if (connection.read.ended) return 0;
  const failure = failureOf(connection);
  if (failure !== null) throw failure;
  const length = Math.min(target.byteLength, MAX_TRY_READ);
  const pinnedAddress = context.pinned.addressOf(target, length);
  if (pinnedAddress !== 0) return receivedNow(context, connection, pinnedAddress, length);
  const block = context.blocks.take(classFor(length));
  if (block === null) return WouldBlock;
  try {
    const count = receivedNow(context, connection, block.address, Math.min(length, block.size));
    if (count > 0) block.bytes.copy(target, 0, 0, count);
    return count;
  } finally {
    context.blocks.give(block);
  }
}

/**
 * Takes bytes from the start of `data`, which may be a list, for sending. Returns the count, or WouldBlock while writes are queued or in
 * flight, the queues of all sockets together are full, or no operation is free. Where the system has no room, or the connection is
 * broken, it is WouldBlock as well: an asyncWrite then waits, or is told. Of a socket that has been watched, the bytes become the send
 * whose end tells the watch that there is room.
 */
export function tryWrite(context: Context, connection: Connection, data: WriteData): number {
  const failure = failureOf(connection);
  if (failure !== null) throw failure;
  if (connection.write.end !== WriteEnd.Open) throw writeAfterEnd('write');
  if (isSending(connection)) return WouldBlock;
  if (!hasRoom(context) || context.operations.free === 0 || connection.write.refusals > 0) return WouldBlock;
  const { maxQueuedBytes, maxQueuedBytesPerSocket } = context.options;
  const most = Math.min(
    MAX_TRY_WRITE,
    maxQueuedBytesPerSocket,
    maxQueuedBytes - context.queuedBytes,
    byteLengthOf(data),
  );
  if (connection.write.stream === Stream.Whole && context.loop.maySendNow(connection, connection.read.answers())) {
    const sent = trySend(context, connection, data, most);
    if (sent !== WouldBlock) return sent;
  }
  if (connection.readiness === null) return WouldBlock;
  const broken = whyEnded('write', connection);
  if (broken !== null) throw readinessOf(connection).fail(broken);
  // Of room in the system only the end of a send tells. It has a copy of our own: the caller may use the buffer again at once.
  const copy = Buffer.alloc(most);
  if (!copyAllIn(copy, 0, data, most)) return WouldBlock;
  const readiness = readinessOf(connection);
  write(context, connection, copy, most, null, null, (error) => {
    readiness.finishWrite();
    if (error !== null && !connection.closing) readiness.fail(error);
    connection.watch?.scheduleCheck();
  });
  readiness.beginWrite();
  return most;
}

/** Throws what has broken the connection, and keeps it: the system may report it only once. */
function receivedNow(context: Context, connection: Connection, address: number, length: number): number {
  const { code, bytes } = receiveNow(context, connection, address, length);
  if (bytes > 0) connection.read.heard();
  if (code === 0) return bytes;
  if (code === WSAEWOULDBLOCK) return WouldBlock;
  throw readinessOf(connection).fail(systemError('read', 'WSARecv', code));
}

/**
 * Hands bytes to the system as far as it has room. Nothing is queued or in flight before them. An error stays the stream's: the
 * next write is answered with it.
 */
function trySend(context: Context, connection: Connection, data: WriteData, length: number): number {
  const pinnedAddress = data instanceof Uint8Array ? context.pinned.addressOf(data, length) : 0;
  if (pinnedAddress !== 0) return taken(connection, sendNow(context, connection, pinnedAddress, length));
  if (!(data instanceof Uint8Array) && arePinned(context, data))
    return taken(connection, sendPartsNow(context, connection, data, length));
  const block = context.blocks.take(classFor(length));
  if (block === null) return WouldBlock;
  try {
    const count = Math.min(length, block.size);
    if (!copyAllIn(block.bytes, 0, data, count)) return WouldBlock;
    return taken(connection, sendNow(context, connection, block.address, count));
  } finally {
    context.blocks.give(block);
  }
}

/** Whether each part can be sent from where it lies, all of them with one call. */
function arePinned({ pinned }: Context, parts: readonly Uint8Array[]): boolean {
  const canBe = (part: Uint8Array): boolean => part.length === 0 || pinned.addressOf(part, part.length) !== 0;
  return parts.length <= MAX_PARTS && parts.every(canBe);
}

function taken(connection: Connection, { code, bytes }: ReturnType<typeof sendNow>): number {
  if (bytes > 0) return bytes;
  // Without memory for it the system takes a send later, as it does without room.
  if (code !== 0 && code !== WSAEWOULDBLOCK && code !== WSAENOBUFS)
    writeOf(connection).fail(code, 'WSASend', null, false);
  return WouldBlock;
}

function isSending({ write: { queue, operation } }: Connection): boolean {
  return queue.length > 0 || operation !== null;
}

function failureOf({ readiness }: Connection): NetworkError | null {
  return readiness?.failure ?? null;
}
