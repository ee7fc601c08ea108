/** Reading and writing in programs: what is asked for, and the check of what comes of it. */
import { WSAETIMEDOUT } from '../../../ffi/wsa-errors.ts';
import {
  NetworkErrorCode,
  WouldBlock,
  type BytesCallback,
  type NetworkError,
  type OperationHandle,
} from '../../../src/index.ts';
import { streamBytes } from './pattern.ts';
import type { Side } from './side.ts';
import type { World } from './world.ts';

const CANCELLED: ReadonlySet<NetworkErrorCode> = new Set([NetworkErrorCode.Interrupted, NetworkErrorCode.Timeout]);

/** One read, checked when it ends; then `next`. */
export function startRead(world: World, side: Side, buffer: Uint8Array, next?: () => void): void {
  const start = (done: ReadDone): OperationHandle =>
    side.owner.pal.asyncRead(side.handle, buffer, buffer.length, (error, bytes) => done(error, buffer, bytes));
  startReading(world, side, start, next);
}

/** One read that lends what it has. */
export function startViewRead(world: World, side: Side): void {
  const start = (done: ReadDone): OperationHandle =>
    side.owner.pal.asyncReadView(side.handle, (error, view) => done(error, view, view.length));
  startReading(world, side, start);
}

type ReadDone = (error: NetworkError | null, buffer: Uint8Array, bytes: number) => void;

function startReading(world: World, side: Side, start: (done: ReadDone) => OperationHandle, next?: () => void): void {
  if (!side.owner.running) return;
  let name = 0 as OperationHandle;
  const done = world.callback(side, 'read', (error: NetworkError | null, buffer: Uint8Array, bytes: number) => {
    side.reads--;
    const wasCancelled = side.cancelledReads.delete(name);
    if (error === null) {
      if (bytes > buffer.length) side.fail(`${bytes} bytes into ${buffer.length}`);
      if (bytes > 0) side.gotBytes(buffer, bytes);
      else side.gotEnd();
    } else if (error.code === 'ECANCELED') {
      if (side.isOpenFor(world.now) && !wasCancelled) side.fail('a read was cancelled on an open socket');
    } else if (isStarved(world, name, error)) side.starved = true;
    else side.gotBreak(error);
    next?.();
  });
  side.reads++;
  side.free = false;
  if (world.call(side, () => (name = start(done)))) {
    side.lastRead = name;
    return;
  }
  side.reads--;
  side.pending--;
}

export function startWrite(world: World, side: Side, sizes: readonly number[]): void {
  if (!mayWrite(side)) return;
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (const size of sizes) {
    chunks.push(streamBytes(side.stream, side.written + total, size));
    total += size;
  }
  writeData(world, side, chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : chunks, total);
}

/** After a failed write nothing sensible can follow: the stream has a hole. */
export function mayWrite(side: Side): boolean {
  return side.owner.running && !side.writeFailed && side.cancellable === null;
}

export function writeData(world: World, side: Side, data: Uint8Array | Uint8Array[], total: number): void {
  startWriting(world, side, total, (done) => side.owner.pal.asyncWrite(side.handle, data, done));
}

/** The next bytes of the stream, as many of them as the system takes now; half of the times as a list. */
export function tryWrite(world: World, side: Side, size: number): void {
  if (!side.usable || !mayWrite(side) || side.sendShut || side.wasWatched) return;
  side.free = false;
  const data = Uint8Array.from(streamBytes(side.stream, side.written, size));
  const asList = side.written % 2 === 1;
  const middle = size >>> 1;
  world.call(side, () => {
    const given = asList ? [data.subarray(0, middle), data.subarray(middle)] : data;
    const taken = side.owner.pal.tryWrite(side.handle, given);
    data.fill(0); // it may be changed at once
    if (taken === WouldBlock) return;
    side.written += taken;
    side.confirmed += taken;
  });
}

/** There was no slot for a call, or the system refused to tie its socket to the loop, so that it was never begun. */
function isStarved({ settings }: World, name: OperationHandle, { code, systemErrorCode }: NetworkError): boolean {
  if (name !== 0) return false;
  if (settings.faults?.calls !== undefined && systemErrorCode !== undefined) return true;
  return code === 'ERR_TOO_MANY_OPERATIONS' && settings.slots < 128;
}

/** Takes back what can be: the file at the end of the queue, else the last read. */
export function cancelTransfer(world: World, side: Side, hard: boolean): void {
  const { pal } = side.owner;
  const { cancellable, lastRead } = side;
  if (cancellable === null) {
    world.call(side, () => {
      if (pal.cancel(lastRead)) side.cancelledReads.add(lastRead);
    });
    return;
  }
  world.call(side, () => {
    if (pal.cancel(cancellable, { hard }) && hard) side.truncatedFrom = Math.min(side.truncatedFrom, world.now);
  });
}

/**
 * The next bytes of the stream, in the middle of a file; the first and the last of them around it.
 * @param timeout ms, null for none; when it is given, the file may also be taken back
 */
export function startSendFile(
  world: World,
  side: Side,
  size: number,
  transmitFile: boolean,
  timeout?: number | null,
): void {
  if (!mayWrite(side)) return;
  const { pal, platform } = side.owner;
  const bytes = streamBytes(side.stream, side.written, size);
  const edge = Math.min(3, size >>> 2);
  const content = bytes.subarray(edge, size - edge);
  const offset = size % 5;
  const name = `${side.label} ${side.written}`;
  platform.files.put(name, Buffer.concat([new Uint8Array(offset), content, new Uint8Array(9)]));
  const [head, tail] = [bytes.subarray(0, edge), bytes.subarray(size - edge)];
  const options = { offset, length: content.length, head, tail, transmitFile };
  if (timeout === undefined || side.sendShut) {
    startWriting(world, side, size, (done) => pal.asyncSendFile(side.handle, name, options, done));
    return;
  }
  const start = (done: BytesCallback): OperationHandle => {
    const limited = timeout === null ? options : { ...options, timeout };
    side.cancellable = pal.asyncSendFile(side.handle, name, limited, done);
    side.truncatedFrom = timeout === null ? Infinity : world.now + timeout;
    return side.cancellable;
  };
  startWriting(world, side, size, start, true);
}

/** A file was taken back: nothing of it was sent, or the connection was reset with it. */
function fileWasRevoked(side: Side, total: number, bytes: number): void {
  const { pal } = side.owner;
  if (side.closing) {
    side.writeFailed = true;
    return;
  }
  const left = pal.inspect().sockets.find(({ handle }) => handle === side.handle);
  if (left === undefined || left.state === 'CLOSING') {
    side.wasReset = true;
    side.closing = true;
    return;
  }
  if (bytes > 0) side.fail(`a file of which ${bytes} bytes were sent was taken back, and nothing was reset`);
  side.written -= total;
  side.truncatedFrom = Infinity;
}

function startWriting(
  world: World,
  side: Side,
  total: number,
  start: (done: BytesCallback) => OperationHandle,
  cancellable = false,
): void {
  const wasShut = side.sendShut;
  let name = 0 as OperationHandle;
  const done = world.callback(side, 'write', (error: NetworkError | null, bytes: number) => {
    if (cancellable) side.cancellable = null;
    if (error === null) {
      if (cancellable) side.truncatedFrom = Infinity;
      if (wasShut) side.fail('a write after the end succeeded');
      if (bytes !== total) side.fail(`a write of ${total} bytes ended with ${bytes}`);
      side.confirmed += total;
    } else if (error.code === 'EPIPE' && wasShut) return;
    // (A system that has given up waiting for the peer says ETIMEDOUT too: that is a failed send like any other.)
    else if (cancellable && CANCELLED.has(error.kind) && error.systemErrorCode !== WSAETIMEDOUT)
      fileWasRevoked(side, total, bytes);
    else if (error.code === 'ECANCELED') {
      if (side.isOpenFor(world.now)) side.fail('a write was cancelled on an open socket');
    } else if (isStarved(world, name, error)) side.starved = true;
    else writeBroke(side, error);
  });
  side.free = false;
  if (!world.call(side, () => (name = start(done)))) side.pending--;
  // (A call without a name is over already: its callback says why.)
  else if (!wasShut && name !== 0) side.written += total;
}

/** A write has failed on a connection that is, or was, open here. */
export function writeBroke(side: Side, error: NetworkError): void {
  // Told before the close, or too late to do anything about it.
  if (side.closing) side.flushFailed = true;
  else side.writeFailed = true;
  side.gotBreak(error);
}

/** Reads through the readiness API, whatever there is, until the end. */
export function startWatch(world: World, side: Side, size: number): void {
  if (!side.usable || side.pending > 0 || side.ended) return;
  side.free = false;
  side.wasWatched = true;
  const { pal } = side.owner;
  const buffer = new Uint8Array(Math.max(size, 4096));
  const ready = (error: NetworkError | null, readable: boolean): void => {
    if (error !== null) {
      if (side.isOpenFor(world.now)) side.fail(`a watch ended on an open socket: ${error.message}`);
      return;
    }
    if (!readable) return;
    try {
      const bytes = pal.tryRead(side.handle, buffer);
      if (bytes > 0) side.gotBytes(buffer, bytes);
      if (bytes !== 0) return;
      side.gotEnd();
    } catch (failure) {
      side.gotBreak(failure as NetworkError);
    }
    side.watching = false;
    pal.unwatch(side.handle);
  };
  if (world.call(side, () => pal.watch(side.handle, { readable: true }, ready))) side.watching = true;
}
