/**
 * What the library itself costs: CPU nanoseconds and heap bytes of our own code per echo round trip, when nobody uses
 * asynchronous contexts and when each connection has a store in an AsyncLocalStorage; and nanoseconds per koffi call. Under
 * Wine the kernel hides this cost; on Windows it shows.
 *
 * Usage: node --max-semi-space-size=128 benchmarks/overhead/main.ts (npm run bench -- overhead does it on the Windows node, with the library
 * as it is published).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import process from 'node:process';
import { measureDatagrams } from './datagrams.ts';
import { measureKoffiCalls } from './koffi-calls.ts';
import { measureRoundTrips } from './round-trips.ts';

const ROUND_TRIPS = 800_000;
const LOADS = [
  [1, 64],
  [100, 64],
  [1000, 64],
  [1000, 4096],
] as const;

console.log('store            connections  bytes  CPU ns/round trip  heap bytes/round trip');
measure('none', null);
measure('none, views', null, true);
const storage = new AsyncLocalStorage<number>();
measure('per connection', storage);
storage.disable();

console.log('\na datagram of 64 bytes there and back  CPU ns  heap bytes');
for (const [name, { nanosecondsPerRoundTrip, heapBytesPerRoundTrip }] of measureDatagrams(ROUND_TRIPS)) {
  const cells = [nanosecondsPerRoundTrip.toFixed(0).padStart(6), heapBytesPerRoundTrip.toFixed(2).padStart(10)];
  console.log([name.padEnd(37), ...cells].join('  '));
}

if (process.platform === 'win32') {
  console.log('\nkoffi call                        ns');
  for (const { shape, nanoseconds } of measureKoffiCalls()) {
    console.log(`${shape.padEnd(32)}  ${nanoseconds.toFixed(0)}`);
  }
}

function measure(store: string, storage: AsyncLocalStorage<number> | null, views = false): void {
  for (const [connections, messageBytes] of LOADS) {
    const result = measureRoundTrips(connections, messageBytes, ROUND_TRIPS, storage, views);
    const cells = [
      store.padEnd(15),
      String(connections).padStart(11),
      String(messageBytes).padStart(5),
      result.nanosecondsPerRoundTrip.toFixed(0).padStart(17),
      result.heapBytesPerRoundTrip.toFixed(2).padStart(21),
    ];
    console.log(cells.join('  '));
  }
}
