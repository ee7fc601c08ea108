/**
 * A few good clients of a server with limits, alone and then among many that mean no good: some say nothing, some a byte a
 * second, some never read, some reset. Prints what it saw, as JSON. benchmarks/crowd is the same at full size.
 */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetworkPal } from '../../../src/index.ts';
import { Abusers } from '../../../benchmarks/load/abusers.ts';
import { ClosedLoop } from '../../../benchmarks/load/closed-loop.ts';
import { GUARDED_PAL, MESSAGE_BYTES, serveGuarded } from '../../../benchmarks/servers/guarded.ts';

const GOOD = 20;
const BAD = 400;
/** The good ones must have had the time to come and speak, on a slow machine too. */
const PATIENCE = { headerMs: 1400, idleMs: 3000 };
const COME_BACK_MS = 500;
const SECONDS_ALONE = 0.5;
const SECONDS_AMONG = 5;
const LOOK_EVERY_MS = 50;
/** Time for the server to let go of what the bad ones left. */
const SETTLE_MS = 5000;

/** What the test reads. */
export interface AbuseReport {
  readonly alone: { answers: number; fewest: number };
  readonly among: { answers: number; fewest: number };
  /** How often one of the bad ones has connected, and was thrown out. */
  readonly connected: number;
  readonly thrownOut: number;
  readonly tooSlow: number;
  readonly tooQuiet: number;
  /** Highest values while they were there. */
  readonly pinnedBytes: number;
  readonly queuedBytes: number;
  /** When they had gone: what is left besides the good ones. */
  readonly socketsLeft: number;
  readonly queuedLeft: number;
}

const pal = createNetworkPal({ ...GUARDED_PAL, strict: true });
pal.initialize();
const { server, counts } = serveGuarded(pal, PATIENCE);
void pal.runEventLoop();

const load = new ClosedLoop(GOOD, MESSAGE_BYTES);
const asked = { port: server.port, usage: () => Promise.resolve({ accepted: counts.accepted }) };
await load.connect(asked, GOOD);
await load.warmUp(0.2);
const alone = await measure(SECONDS_ALONE);

const abusers = new Abusers(server.port, { comeBackMs: COME_BACK_MS, localAddress: '127.0.0.1' });
let [pinnedBytes, queuedBytes] = [0, 0];
const watching = setInterval(() => {
  const stats = pal.stats();
  pinnedBytes = Math.max(pinnedBytes, stats.pinnedBytes);
  queuedBytes = Math.max(queuedBytes, stats.queuedBytes);
}, LOOK_EVERY_MS);
await abusers.come(BAD);
const among = await measure(SECONDS_AMONG);
abusers.leave();
clearInterval(watching);

// The good ones go on; of the others nothing may stay.
const until = Date.now() + SETTLE_MS;
while (pal.stats().sockets > GOOD + 1 && Date.now() < until) await sleep(LOOK_EVERY_MS);
const { sockets, queuedBytes: queuedLeft } = pal.stats();
const report: AbuseReport = {
  alone,
  among,
  ...abusers.counts,
  tooSlow: counts.tooSlow,
  tooQuiet: counts.tooQuiet,
  pinnedBytes,
  queuedBytes,
  socketsLeft: sockets - GOOD - 1,
  queuedLeft,
};
load.close();
console.log(`report ${JSON.stringify(report)}`);
console.log('ending');
await pal.stopEventLoop();
process.exit(0);

/** Throws when the server ends one of the good connections. */
async function measure(seconds: number): Promise<{ answers: number; fewest: number }> {
  await load.measure(seconds);
  const { counts: answers } = load.meter;
  return { answers: load.meter.total, fewest: Math.min(...answers) };
}
