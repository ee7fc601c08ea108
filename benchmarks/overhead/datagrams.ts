/**
 * CPU nanoseconds and heap bytes of the library's own code per datagram that is received and sent back, on a platform that costs nothing:
 * with each way of receiving and of sending.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createNetworkPal, type NetworkPal, type OutgoingDatagram, type UdpHandle } from '../../src/index.ts';
import { freePlatform } from './free-platform.ts';
import type { Overhead } from './round-trips.ts';

/** Rounds of a measurement, of which the fastest counts. */
const ROUNDS = 8;
const BYTES = 64;

/** An echo on one socket. It calls `count` with how many datagrams it has sent back. */
type Echo = (pal: NetworkPal, socket: UdpHandle, count: (datagrams: number) => void) => void;

const ignore = (): void => undefined;

const ECHOES: Readonly<Record<string, Echo>> = {
  'asyncReceiveFrom, asyncSendTo'(pal, socket, count) {
    const buffer = Buffer.alloc(BYTES);
    const next = (): void =>
      void pal.asyncReceiveFrom(socket, buffer, BYTES, (_error, _bytes, peer) => {
        next();
        count(1);
        pal.asyncSendTo(socket, buffer, peer, ignore);
      });
    next();
  },
  'asyncReceiveFrom, trySendTo'(pal, socket, count) {
    const buffer = Buffer.alloc(BYTES);
    const next = (): void =>
      void pal.asyncReceiveFrom(socket, buffer, BYTES, (_error, _bytes, peer) => {
        next();
        count(1);
        pal.trySendTo(socket, buffer, peer);
      });
    next();
  },
  'asyncReceiveBatch, trySendTo'(pal, socket, count) {
    const answer = Buffer.alloc(BYTES);
    const next = (): void =>
      void pal.asyncReceiveBatch(socket, (_error, batch) => {
        next();
        count(batch.count);
        for (let index = 0; index < batch.count; index++) {
          answer[0] = batch.bytes[batch.start(index)] ?? 0;
          pal.trySendTo(socket, answer, batch.peer(index));
        }
      });
    next();
  },
  'asyncReceiveBatch, trySendMany'(pal, socket, count) {
    const answer = Buffer.alloc(BYTES);
    const next = (): void =>
      void pal.asyncReceiveBatch(socket, (_error, batch) => {
        next();
        count(batch.count);
        const list: OutgoingDatagram[] = [];
        for (let index = 0; index < batch.count; index++) list.push({ data: answer, to: batch.peer(index) });
        pal.trySendMany(socket, list);
      });
    next();
  },
};

/** By the name of the way. */
export function measureDatagrams(datagrams: number): Map<string, Omit<Overhead, 'roundTrips'>> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return new Map(Object.entries(ECHOES).map(([name, echo]) => [name, measure(echo, datagrams, collect)]));
}

function measure(echo: Echo, datagrams: number, collect: () => void): Omit<Overhead, 'roundTrips'> {
  const platform = freePlatform(BYTES);
  const pal = createNetworkPal({ platform });
  pal.initialize();
  let done = 0;
  echo(pal, pal.createUdpSocket('127.0.0.1', 0).handle, (count) => (done += count));
  void pal.runEventLoop();
  platform.run(() => done >= datagrams);
  collect();
  const startHeap = process.memoryUsage().heapUsed;
  const startDone = done;
  platform.run(() => done >= startDone + datagrams / ROUNDS);
  const heapBytesPerRoundTrip = (process.memoryUsage().heapUsed - startHeap) / (done - startDone);
  let nanosecondsPerRoundTrip = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = done;
    const start = process.cpuUsage();
    platform.run(() => done >= before + datagrams / ROUNDS);
    const { user, system } = process.cpuUsage(start);
    nanosecondsPerRoundTrip = Math.min(nanosecondsPerRoundTrip, ((user + system) * 1000) / (done - before));
  }
  return { nanosecondsPerRoundTrip, heapBytesPerRoundTrip };
}
