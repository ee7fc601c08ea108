/**
 * How late 10 000 deadlines are: `npm run wine -- benchmarks/deadlines.ts`. Each is of an accept that nobody comes for, of a
 * length of its own between 10 ms and 3 s.
 */
import { createNetworkPal } from '../src/index.ts';

const COUNT = 10_000;
const SHORTEST_MS = 10;
const LONGEST_MS = 3000;

const pal = createNetworkPal();
pal.initialize();
const server = pal.createServer('127.0.0.1', 0);
const lateness: number[] = [];
let seed = 1;
const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;

const begun = performance.now();
for (let index = 0; index < COUNT; index++) {
  const timeout = Math.round(SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS));
  const due = performance.now() + timeout;
  pal.asyncAccept(server.handle, { timeout }, (error) => {
    if (error?.code !== 'ETIMEDOUT') throw error ?? new Error('Somebody came');
    lateness.push(performance.now() - due);
    if (lateness.length === COUNT) finish();
  });
}
const setUpMs = performance.now() - begun;
await pal.runEventLoop();

function finish(): void {
  lateness.sort((a, b) => a - b);
  const at = (share: number): string => (lateness[Math.floor(share * (COUNT - 1))] ?? NaN).toFixed(2);
  console.log(`${COUNT} deadlines, set in ${setUpMs.toFixed(0)} ms (${((setUpMs * 1000) / COUNT).toFixed(1)} µs each)`);
  console.log(`late by, ms: least ${at(0)}, p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`);
  void pal.stopEventLoop();
}
