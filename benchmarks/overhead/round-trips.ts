/**
 * CPU nanoseconds and heap bytes of the library's own code per echo round trip, on a platform that costs nothing.
 *
 * Run with a young generation that is larger than what is allocated, so that the heap's growth is the allocation.
 */
import type { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createNetworkPal } from '../../src/index.ts';
import type { SocketHandle } from '../../src/pal/handles.ts';
import { freePlatform } from './free-platform.ts';

/** Result of one measurement. */
export interface Overhead {
  nanosecondsPerRoundTrip: number;
  heapBytesPerRoundTrip: number;
  /** All that were made, those of the warm-up included. */
  roundTrips: number;
}

/** Rounds of a measurement, of which the fastest counts: whatever else the machine does can only make one slower. */
const ROUNDS = 8;

setFlagsFromString('--expose-gc');
/** Empties the young generation, so that nothing is collected while the heap's growth is measured. */
const collect = runInNewContext('gc') as () => void;

/**
 * One PAL, `connections` echo loops, warmed up before it is measured.
 * @param views reads are lent what has come, and copy it
 * @param storage when given, each connection is served inside a run() of it, with a store of its own
 */
export function measureRoundTrips(
  connections: number,
  messageBytes: number,
  roundTrips: number,
  storage: AsyncLocalStorage<number> | null,
  views = false,
): Overhead {
  const platform = freePlatform(messageBytes);
  const pal = createNetworkPal({ platform });
  pal.initialize();
  let done = 0;
  const echo = (socket: SocketHandle): void => {
    const buffer = new Uint8Array(new ArrayBuffer(messageBytes));
    const written = (error: Error | null = null): void => {
      if (error !== null) throw error;
      if (views) pal.asyncReadView(socket, shown);
      else pal.asyncRead(socket, buffer, messageBytes, received);
    };
    const shown = (error: Error | null, view: Uint8Array): void => {
      if (error === null) buffer.set(view);
      received(error);
    };
    const received = (error: Error | null): void => {
      if (error !== null) throw error;
      done++;
      pal.asyncWrite(socket, buffer, written);
    };
    written();
  };
  for (let index = 0; index < connections; index++) {
    pal.asyncConnect('10.0.0.1', 1, {}, (error, socket) => {
      if (error !== null) throw error;
      if (storage === null) echo(socket);
      else storage.run(socket, echo, socket);
    });
  }
  void pal.runEventLoop();
  platform.run(() => done >= roundTrips);
  collect();
  const startHeap = process.memoryUsage().heapUsed;
  const startDone = done;
  platform.run(() => done >= startDone + roundTrips / ROUNDS);
  const heapBytesPerRoundTrip = (process.memoryUsage().heapUsed - startHeap) / (done - startDone);
  let nanosecondsPerRoundTrip = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = done;
    const start = process.cpuUsage();
    platform.run(() => done >= before + roundTrips / ROUNDS);
    const { user, system } = process.cpuUsage(start);
    nanosecondsPerRoundTrip = Math.min(nanosecondsPerRoundTrip, ((user + system) * 1000) / (done - before));
  }
  return { nanosecondsPerRoundTrip, heapBytesPerRoundTrip, roundTrips: done };
}
