/**
 * A process that makes echo round trips on the platform that costs nothing. Without an argument it prints how many of them take as
 * long as a fixed piece of work; with a number it makes about so many, and prints how many they were.
 */
import process from 'node:process';
import { measureRoundTrips } from '../overhead/round-trips.ts';

const CONNECTIONS = 100;
const BYTES = 64;
const ROUND_TRIPS = 400_000;
const ROUNDS = 8;
/** About as long as a round trip, so that the ratio is near 1. */
const STEPS = 60;
const REPETITIONS = 50_000;

const given = process.argv[2];
if (given === undefined) {
  const { nanosecondsPerRoundTrip } = measureRoundTrips(CONNECTIONS, BYTES, ROUND_TRIPS, null);
  console.log(nanosecondsOfFixedWork() / nanosecondsPerRoundTrip);
} else {
  console.log(measureRoundTrips(CONNECTIONS, BYTES, Number(given), null).roundTrips);
}

/** What a library does: calls, objects, a table, and bytes. The fastest of some rounds, as of the round trips. */
function nanosecondsOfFixedWork(): number {
  const table = new Map<number, { sum: number }>();
  for (let key = 0; key < CONNECTIONS; key++) table.set(key, { sum: 0 });
  const bytes = new DataView(new ArrayBuffer(4096));
  const step = (key: number, at: number): void => {
    const entry = table.get(key) ?? { sum: 0 };
    entry.sum += bytes.getInt32(at, true);
    bytes.setInt32(at, entry.sum & 0xffff, true);
  };
  let fastest = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    for (let count = 0; count < REPETITIONS; count++) {
      for (let at = 0; at < STEPS; at++) step((count + at) % CONNECTIONS, at * 4);
    }
    const { user, system } = process.cpuUsage(start);
    fastest = Math.min(fastest, ((user + system) * 1000) / REPETITIONS);
  }
  return fastest;
}
