/** What tests of the readiness calls do all the time: record a watch's calls, wait for readiness, pump bytes through it. */
import { Buffer } from 'node:buffer';
import { WouldBlock, type AnyHandle, type Interest, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import type { Bed } from '../../support/beds.ts';
import { until } from '../../support/until.ts';

/** One call of a watch's callback: what it was told, or the code of the error. */
export type WatchCall = 'readable' | 'writable' | 'both' | 'nothing' | (string & {});

/** Starts a watch that records its calls. `act` runs in each of them but the last, after it was recorded. */
export function record(
  pal: NetworkPal,
  socket: AnyHandle,
  interest: Interest,
  act: (calls: number) => void = () => undefined,
): WatchCall[] {
  const calls: WatchCall[] = [];
  pal.watch(socket, interest, (error, readable, writable) => {
    if (error !== null) {
      calls.push(error.code);
      return;
    }
    calls.push(readable && writable ? 'both' : readable ? 'readable' : writable ? 'writable' : 'nothing');
    act(calls.length);
  });
  return calls;
}

/** Resolves when the socket is ready; watches it once, and no longer. */
export function ready(pal: NetworkPal, socket: AnyHandle, interest: Interest): Promise<void> {
  return new Promise((resolve, reject) => {
    pal.watch(socket, interest, (error) => {
      if (error !== null) {
        reject(error);
        return;
      }
      pal.unwatch(socket);
      resolve();
    });
  });
}

export function readable(pal: NetworkPal, socket: AnyHandle): Promise<void> {
  return ready(pal, socket, { readable: true });
}

/** Bytes that one tryRead takes: what is there now; null for WouldBlock, empty at the end of the stream. */
export function tryReadBytes(pal: NetworkPal, socket: SocketHandle, most = 65536): Buffer | null {
  const buffer = Buffer.alloc(most);
  const count = pal.tryRead(socket, buffer);
  return count === WouldBlock ? null : buffer.subarray(0, count);
}

/** Reads `length` bytes through the readiness calls. */
export async function watchExactly(pal: NetworkPal, socket: SocketHandle, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let got = 0;
  while (got < length) {
    const chunk = tryReadBytes(pal, socket, length - got);
    if (chunk === null) {
      await readable(pal, socket);
      continue;
    }
    if (chunk.length === 0) throw new Error(`The stream ended after ${got} of ${length} bytes`);
    chunks.push(chunk);
    got += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** Resolves once `calls` has at least `count` entries. */
export function called(calls: readonly unknown[], count: number, bed: Bed): Promise<void> {
  return until(
    () => calls.length >= count,
    () => `${count} calls of the watch; came: ${calls.slice(0, 10).join(', ')} (${calls.length})`,
    bed,
  );
}
