/** Reading and writing in programs: what is asked for, and the check of what comes of it. */
import type { BytesCallback, NetworkError } from '../../../src/index.ts';
import { streamBytes } from './pattern.ts';
import type { Side } from './side.ts';
import type { World } from './world.ts';

/** One read, checked when it ends; then `next`. */
export function startRead(world: World, side: Side, buffer: Uint8Array, next?: () => void): void {
  if (!side.party.running) return;
  const done = world.callback(side, 'read', (error: NetworkError | null, bytes: number) => {
    side.reads--;
    if (error === null) {
      if (bytes > buffer.length) side.fail(`${bytes} bytes into ${buffer.length}`);
      if (bytes > 0) side.gotBytes(buffer, bytes);
      else side.gotEnd();
    } else if (error.code === 'ECANCELED') {
      if (!side.closing) side.fail('a read was cancelled on an open socket');
    } else side.gotBreak(error);
    next?.();
  });
  side.reads++;
  if (world.call(side, () => side.party.pal.asyncRead(side.handle, buffer, buffer.length, done))) return;
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
  return side.party.running && !side.writeFailed;
}

export function writeData(world: World, side: Side, data: Uint8Array | Uint8Array[], total: number): void {
  startWriting(world, side, total, (done) => side.party.pal.asyncWrite(side.handle, data, done));
}

/** The next bytes of the stream, in the middle of a file; the first and the last of them around it. */
export function startSendFile(world: World, side: Side, size: number, transmitFile: boolean): void {
  if (!mayWrite(side)) return;
  const { pal, kernel } = side.party;
  const bytes = streamBytes(side.stream, side.written, size);
  const edge = Math.min(3, size >>> 2);
  const content = bytes.subarray(edge, size - edge);
  const offset = size % 5;
  const name = `${side.label} ${side.written}`;
  kernel.files.put(name, Buffer.concat([new Uint8Array(offset), content, new Uint8Array(9)]));
  const [head, tail] = [bytes.subarray(0, edge), bytes.subarray(size - edge)];
  const options = { offset, length: content.length, head, tail, transmitFile };
  startWriting(world, side, size, (done) => pal.asyncSendFile(side.handle, name, options, done));
}

function startWriting(world: World, side: Side, total: number, start: (done: BytesCallback) => void): void {
  const wasShut = side.sendShut;
  const done = world.callback(side, 'write', (error: NetworkError | null, bytes: number) => {
    if (error === null) {
      if (wasShut) side.fail('a write after the end succeeded');
      if (bytes !== total) side.fail(`a write of ${total} bytes ended with ${bytes}`);
      side.confirmed += total;
    } else if (error.code === 'EPIPE' && wasShut) return;
    else if (error.code === 'ECANCELED') {
      if (!side.closing) side.fail('a write was cancelled on an open socket');
    } else {
      // Told before the close, or too late to do anything about it.
      if (side.closing) side.flushFailed = true;
      else side.writeFailed = true;
      side.gotBreak(error);
    }
  });
  if (!world.call(side, () => start(done))) side.pending--;
  else if (!wasShut) side.written += total;
}

/** Reads through the readiness face, whatever there is, until the end. */
export function startWatch(world: World, side: Side, size: number): void {
  // Without slots a watch looks again in every turn until there is one, which no simulated time ends.
  if (!side.usable || side.pending > 0 || side.ended || world.settings.slots < 128) return;
  const { pal } = side.party;
  const buffer = new Uint8Array(Math.max(size, 4096));
  const ready = (error: NetworkError | null, readable: boolean): void => {
    if (error !== null) {
      if (!side.closing) side.fail(`a watch ended on an open socket: ${error.message}`);
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
