/**
 * Nanoseconds and heap bytes of the driver's own code per echo round trip, on a kernel that costs nothing.
 *
 * Run with a young generation that is larger than what is allocated, so that the heap's growth is the allocation.
 */
import { createNetworkPal } from '../../src/index.ts';
import type { SocketHandle } from '../../src/pal/handles.ts';
import { freeKernel } from './free-kernel.ts';

/** Result of one measurement. */
export interface Overhead {
  nanosecondsPerRoundTrip: number;
  heapBytesPerRoundTrip: number;
}

/** One PAL, `connections` echo loops, warmed up before it is measured. */
export function measureRoundTrips(connections: number, messageBytes: number, roundTrips: number): Overhead {
  const kernel = freeKernel(messageBytes);
  const pal = createNetworkPal({ kernel });
  pal.initialize();
  let done = 0;
  const echo = (socket: SocketHandle): void => {
    const buffer = new Uint8Array(new ArrayBuffer(messageBytes));
    const written = (error: Error | null = null): void => {
      if (error !== null) throw error;
      pal.asyncRead(socket, buffer, messageBytes, received);
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
      echo(socket);
    });
  }
  void pal.runEventLoop();
  kernel.run(() => done >= roundTrips);
  const startHeap = process.memoryUsage().heapUsed;
  const start = process.hrtime.bigint();
  const startDone = done;
  kernel.run(() => done >= startDone + roundTrips);
  const nanoseconds = Number(process.hrtime.bigint() - start);
  const heap = process.memoryUsage().heapUsed - startHeap;
  const count = done - startDone;
  return { nanosecondsPerRoundTrip: nanoseconds / count, heapBytesPerRoundTrip: heap / count };
}
