/**
 * The readiness face on drivers that complete operations.
 *
 * Readable: a zero-byte receive is posted ahead of time. It takes nothing from the stream and completes when there is
 * something to take, the end of the stream, or an error; that is poll's POLLIN. It is posted again after every callback,
 * and completes at once while there is something left: that is what makes it level-triggered.
 *
 * Writable: there is no such thing as a zero-byte send that waits. But a send of real bytes does wait, so the one send
 * that may be in flight is the signal: tryWrite copies bytes into it, and the socket is writable when it has come back.
 *
 * A listening socket is readable while its accept pool has connections that nobody has taken.
 *
 * An error that the zero-byte receive met is kept for tryRead: the system may tell it only once.
 */
import { checkWinsock } from '../../../ffi/check.ts';
import { FIONBIO, SOCKET_ERROR } from '../../../ffi/constants.ts';
import { WSABUF } from '../../../ffi/layouts.ts';
import { ERROR_OPERATION_ABORTED, WSAEWOULDBLOCK } from '../../../ffi/wsa-errors.ts';
import { WouldBlock, type Interest, type WatchCallback } from '../../pal/readiness.ts';
import type { SocketHandle } from '../../pal/handles.ts';
import { abandonOperation } from '../../sockets/abandon.ts';
import { beginAccepting, takeAccepted } from '../accept/acceptor.ts';
import { bound } from '../../platform/async-context.ts';
import { BLOCK_SIZES, classFor, LARGEST_CLASS } from '../../memory/block-pool.ts';
import { settleClose } from '../../sockets/closer.ts';
import { Connection } from '../connection.ts';
import { callbackDue, expectCallback, type Driver } from '../../context/context.ts';
import { connectionClosed, systemError, writeAfterEnd } from '../../util/errors.ts';
import { Listener } from '../accept/listener.ts';
import { OperationKind, type Operation } from '../../memory/operation.ts';
import type { SocketRecord } from '../../sockets/socket-record.ts';
import { takeLeftover } from '../reader.ts';
import { write } from '../writer.ts';
import { mayPostAgain } from '../../sockets/unasked-cancels.ts';

/** Bytes that one tryRead asks the system for at most. */
const MAX_TRY_READ = 65536;
/** Bytes that one tryWrite takes at most: one send. */
const MAX_TRY_WRITE = BLOCK_SIZES[LARGEST_CLASS] ?? 0;

/** One watch. */
export class Watch {
  interest: Interest;
  callback: WatchCallback;
  /** The zero-byte receive has completed since the last callback. */
  readable = false;
  /** A look at the socket is queued. */
  queued = false;

  constructor(interest: Interest, callback: WatchCallback) {
    this.interest = interest;
    this.callback = callback;
  }
}

/** Starts a watch, or changes the one that is there. */
export function watch(driver: Driver, record: SocketRecord, interest: Interest, callback: WatchCallback): void {
  // First of all: a hook of async_hooks, which sees it being made, is the caller's own code.
  const told = bound('watch', callback);
  if (record.closing) {
    expectCallback(driver, record);
    endSoon(driver, record, told);
    return;
  }
  if (record instanceof Listener) beginAccepting(driver, record);
  if (record.watch === null) {
    record.watch = new Watch(interest, told);
    expectCallback(driver, record);
  } else {
    record.watch.interest = interest;
    record.watch.callback = told;
  }
  look(driver, record);
}

/** Ends a watch without a word. A zero-byte receive that is posted comes back to nobody. */
export function unwatch(driver: Driver, record: SocketRecord): void {
  if (record.watch === null) return;
  record.watch = null;
  driver.parked.forget(record);
  callbackDue(driver, record);
}

/** The socket is being closed: the watch gets its last call. */
export function endWatch(driver: Driver, record: SocketRecord): void {
  const ended = record.watch;
  if (ended === null) return;
  record.watch = null;
  driver.parked.forget(record);
  endSoon(driver, record, ended.callback);
}

function endSoon(driver: Driver, record: SocketRecord, callback: WatchCallback): void {
  driver.loop.enqueue(() => {
    callbackDue(driver, record);
    callback(connectionClosed('watch'), false, false);
  });
}

/** Something about the socket has changed that a watch may wait for. */
export function look(driver: Driver, record: SocketRecord): void {
  const { watch } = record;
  if (watch === null || watch.queued) return;
  driver.loop.enqueue(lookAt(driver, record, watch));
}

/** Says that a look is queued, and returns it. */
function lookAt(driver: Driver, record: SocketRecord, watch: Watch): () => void {
  watch.queued = true;
  return () => {
    watch.queued = false;
    if (record.watch === watch && !record.closing) tell(driver, record, watch);
  };
}

/** After a turn: looks again at watches for whose want of a slot, or of room in the queues, there may be an end now. */
export function lookAtParked(driver: Driver): void {
  // Nearly always there is none, and every turn ends here: no closure is made for nothing.
  if (driver.parked.size > 0) lookAgain(driver);
}

function lookAgain(driver: Driver): void {
  const again = (record: SocketRecord): void => look(driver, record);
  driver.parked.takeForSlots(driver.operations.free, again);
  if (hasRoom(driver)) driver.parked.takeForRoom(again);
}

/** The zero-byte receive came back. */
export function completeProbe(driver: Driver, connection: Connection, operation: Operation): void {
  const { error } = operation;
  connection.probeOperation = null;
  driver.operations.release(operation);
  if (connection.closing) {
    settleClose(driver, connection);
    return;
  }
  // Nobody takes a probe back. Windows may cancel it with another operation of its socket.
  if (error === 0) connection.unaskedCancels = 0;
  if (error === ERROR_OPERATION_ABORTED && !connection.receiveEnded && mayPostAgain(connection)) {
    look(driver, connection);
    return;
  }
  // After shutdown('receive') an error says that, and not that the connection is broken.
  if (error !== 0 && !connection.receiveEnded) connection.failure ??= systemError('read', 'WSARecv', error);
  if (connection.watch === null) return;
  connection.watch.readable = true;
  look(driver, connection);
}

/** Reads what is there now into the start of `target`. Returns the count, 0 for the end of the stream, or WouldBlock. */
export function tryRead(driver: Driver, connection: Connection, target: Uint8Array): number {
  if (connection.leftover !== null) return takeLeftover(driver, connection, target);
  if (connection.receiveEnded) return 0;
  if (connection.failure !== null) throw connection.failure;
  const length = Math.min(target.byteLength, MAX_TRY_READ);
  const pinnedAddress = driver.pinned.addressOf(target, length);
  if (pinnedAddress !== 0) return receiveNow(driver, connection, pinnedAddress, length);
  const block = driver.blocks.take(classFor(length));
  if (block === null) return WouldBlock;
  try {
    const count = receiveNow(driver, connection, block.address, Math.min(length, block.size));
    if (count > 0) block.bytes.copy(target, 0, 0, count);
    return count;
  } finally {
    driver.blocks.give(block);
  }
}

/**
 * Takes bytes from the start of `data` for sending. Returns the count, or WouldBlock while a send is in flight, the queues of
 * all sockets together are full, or no operation is free.
 */
export function tryWrite(driver: Driver, connection: Connection, data: Uint8Array): number {
  if (connection.failure !== null) throw connection.failure;
  if (connection.sendEnded) throw writeAfterEnd('write');
  if (connection.writes.length > 0 || connection.sendOperation !== null) return WouldBlock;
  if (!hasRoom(driver) || driver.operations.free === 0 || connection.refusals > 0) return WouldBlock;
  const { maxQueuedBytes, maxQueuedBytesPerSocket } = driver.options;
  const most = Math.min(MAX_TRY_WRITE, maxQueuedBytesPerSocket, maxQueuedBytes - driver.queuedBytes);
  // A copy of our own: the caller may use the buffer again as soon as this returns.
  const taken = Uint8Array.prototype.slice.call(data, 0, most);
  write(driver, connection, taken, taken.length, null, null, (error) => {
    connection.tryWriting = false;
    if (error !== null && !connection.closing) connection.failure ??= error;
    look(driver, connection);
  });
  connection.tryWriting = true;
  return taken.length;
}

/** Takes a connection that is there now, or answers WouldBlock. */
export function tryAccept(driver: Driver, listener: Listener): SocketHandle | WouldBlock {
  beginAccepting(driver, listener);
  return takeAccepted(driver, listener) ?? WouldBlock;
}

/**
 * Tells a watch what is ready, and looks again while something is. A turn has many rounds, and the socket is looked at in each
 * of them, so that its receive is posted as early as can be; but it is called once per turn, or one that is always ready would
 * take all rounds of all turns.
 */
function tell(driver: Driver, record: SocketRecord, watch: Watch): void {
  const { loop } = driver;
  const readable = watch.interest.readable === true && isReadable(record, watch);
  const writable = watch.interest.writable === true && isWritable(driver, record);
  // Also while it is writable, which it nearly always is: what there is to read would never be noticed otherwise.
  if (watch.interest.readable === true && !readable && record instanceof Connection) postProbe(driver, record);
  const ready = readable || writable;
  if (ready && record.watchedTurn === loop.turn) {
    loop.enqueueForNextTurn(lookAt(driver, record, watch));
    return;
  }
  watch.readable = false;
  if (!ready) return;
  record.watchedTurn = loop.turn;
  try {
    watch.callback(null, readable, writable);
  } finally {
    if (record.watch === watch && !record.closing) look(driver, record);
  }
}

function isReadable(record: SocketRecord, watch: Watch): boolean {
  if (record instanceof Listener) return record.accepted.length > 0 && !record.paused;
  if (watch.readable) return true;
  return record instanceof Connection && (record.leftover !== null || record.failure !== null || record.receiveEnded);
}

function isWritable(driver: Driver, record: SocketRecord): boolean {
  if (!(record instanceof Connection)) return false;
  if (record.writes.length > 0 || record.sendOperation !== null) return false;
  // A broken connection is writable: tryWrite then tells what broke it, and takes no room.
  if (record.failure !== null || record.sendEnded) return true;
  if (!hasRoom(driver)) driver.parked.awaitRoom(record);
  else if (driver.operations.free === 0) driver.parked.awaitSlot(record);
  else return true;
  return false;
}

/** The queues of all sockets together take another byte. */
function hasRoom(driver: Driver): boolean {
  return driver.queuedBytes < driver.options.maxQueuedBytes;
}

function postProbe(driver: Driver, connection: Connection): void {
  if (connection.probeOperation !== null) return;
  const operation = driver.operations.take(OperationKind.Probe, connection);
  if (operation === null) {
    // Nothing is wrong with the connection: it waits until somebody else's operation has ended.
    driver.parked.awaitSlot(connection);
    return;
  }
  connection.probeOperation = operation;
  operation.requested = 0;
  try {
    driver.operations.setSegment(operation, 0, 0, 0);
    driver.transport.receive(connection, operation);
  } catch (error) {
    abandonOperation(driver, connection, operation, error);
  }
}

/** A receive that is not overlapped, on a socket that does not block. */
function receiveNow(driver: Driver, connection: Connection, address: number, length: number): number {
  const { kernel, counters, scratch } = driver;
  setNonBlocking(driver, connection);
  const countAt = WSABUF.size;
  const flagsAt = countAt + 4;
  scratch.view.setUint32(WSABUF.len, length, true);
  scratch.setPointer(WSABUF.buf, address);
  scratch.view.setUint32(flagsAt, 0, true);
  counters.calls.WSARecv++;
  const at = scratch.address;
  const result = kernel.ws2_32.WSARecv(connection.socket, at, 1, at + countAt, at + flagsAt, 0, 0);
  if (result === SOCKET_ERROR) {
    const code = kernel.ws2_32.WSAGetLastError();
    if (code === WSAEWOULDBLOCK) return WouldBlock;
    connection.failure = systemError('read', 'WSARecv', code);
    throw connection.failure;
  }
  const count = scratch.view.getUint32(countAt, true);
  counters.bytesReceived += count;
  return count;
}

/** Overlapped calls do not care; without it the first call that has nothing to do would block this thread. */
function setNonBlocking(driver: Driver, connection: Connection): void {
  if (connection.nonBlocking) return;
  const { kernel, counters, scratch } = driver;
  scratch.view.setUint32(0, 1, true);
  counters.calls.ioctlsocket++;
  const result = kernel.ws2_32.ioctlsocket(connection.socket, FIONBIO, scratch.address);
  checkWinsock(result, kernel.ws2_32, 'ioctlsocket(FIONBIO)');
  connection.nonBlocking = true;
}
