/**
 * What the library itself costs: nanoseconds and heap bytes of our own code per echo round trip, and nanoseconds per koffi
 * call. Under Wine the kernel hides this cost; on Windows it shows.
 *
 * Usage: node --max-semi-space-size=128 benchmarks/overhead/main.ts (npm run bench -- overhead does it on the Windows node).
 */
import process from 'node:process';
import { measureKoffiCalls } from './koffi-calls.ts';
import { measureRoundTrips } from './round-trips.ts';

const ROUND_TRIPS = 500_000;

console.log('connections  bytes  ns/round trip  heap bytes/round trip');
for (const [connections, messageBytes] of [
  [1, 64],
  [100, 64],
  [1000, 64],
  [1000, 4096],
] as const) {
  const result = measureRoundTrips(connections, messageBytes, ROUND_TRIPS);
  const cells = [
    String(connections).padStart(11),
    String(messageBytes).padStart(5),
    result.nanosecondsPerRoundTrip.toFixed(0).padStart(13),
    result.heapBytesPerRoundTrip.toFixed(2).padStart(21),
  ];
  console.log(cells.join('  '));
}

if (process.platform === 'win32') {
  console.log('\nkoffi call                        ns');
  for (const { shape, nanoseconds } of measureKoffiCalls()) {
    console.log(`${shape.padEnd(32)}  ${nanoseconds.toFixed(0)}`);
  }
}
