/**
 * A few good clients of a server with limits, alone and then among many that mean no good: some say nothing, some a byte a
 * second, some never read, some reset. Prints what it saw, as JSON. benchmarks/many-connections is the same at full size.
 * Argument: how many times as patient as usual the server is.
 */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetworkPal } from '../../../src/index.ts';
import { Abusers } from '../../../benchmarks/load/abusers.ts';
import { ClosedLoop } from '../../../benchmarks/load/closed-loop.ts';
import { GUARDED_PAL, MESSAGE_BYTES, serveGuarded } from '../../../benchmarks/servers/guarded.ts';
import { BAD, GOOD, hasSeenEnough, LOST_A_GOOD_ONE, type AbuseReport, type Answers } from './abuse-report.ts';

const factor = Number(process.argv[2] ?? '1');
/** The good ones must have the time to come and speak. */
const PATIENCE = { headerMs: 1400 * factor, idleMs: 3000 * factor };
const COME_BACK_MS = 500;
/** Seconds of one measurement; there are as many as it takes. */
const SLICE = 0.5;
const LOOK_EVERY_MS = 50;
/** Milliseconds after which a test should fail rather than wait on. */
const LIMIT_MS = 100_000;

const pal = createNetworkPal({ ...GUARDED_PAL, strict: true });
pal.initialize();
const { server, counts } = serveGuarded(pal, PATIENCE);
void pal.runEventLoop();

const load = new ClosedLoop(GOOD, MESSAGE_BYTES);
const asked = { port: server.port, usage: () => Promise.resolve({ accepted: counts.accepted }) };
try {
  const report = await serveAbusers();
  console.log(`report ${JSON.stringify(report)}`);
  console.log('ending');
  await pal.stopEventLoop();
  process.exit(Math.min(report.alone.fewest, report.among.fewest) > 0 ? 0 : LOST_A_GOOD_ONE);
} catch (error) {
  console.log(String(error));
  process.exit(String(error).includes('ended a connection') ? LOST_A_GOOD_ONE : 1);
}

async function serveAbusers(): Promise<AbuseReport> {
  await load.connect(asked, GOOD);
  await load.warmUp(0.2);
  const alone = await measure(() => true);

  const abusers = new Abusers(server.port, { comeBackMs: COME_BACK_MS, localAddress: '127.0.0.1' });
  let [pinnedBytes, queuedBytes] = [0, 0];
  const watching = setInterval(() => {
    const stats = pal.stats();
    pinnedBytes = Math.max(pinnedBytes, stats.pinnedBytes);
    queuedBytes = Math.max(queuedBytes, stats.queuedBytes);
  }, LOOK_EVERY_MS);
  await abusers.come(BAD);
  const among = await measure(() => hasSeenEnough({ ...abusers.counts, ...counts }));
  abusers.leave();
  clearInterval(watching);

  // The good ones go on; of the others nothing may stay.
  const until = performance.now() + LIMIT_MS / 2;
  while (pal.stats().sockets > GOOD + 1 && performance.now() < until) await sleep(LOOK_EVERY_MS);
  const { sockets, queuedBytes: queuedLeft } = pal.stats();
  load.close();
  const { tooSlow, tooQuiet } = counts;
  const socketsLeft = sockets - GOOD - 1;
  return { alone, among, ...abusers.counts, tooSlow, tooQuiet, pinnedBytes, queuedBytes, socketsLeft, queuedLeft };
}

/**
 * Lets them talk until each has had an answer and `enough` is seen, or that is in vain. Throws when the server ends one of the
 * good connections.
 */
async function measure(enough: () => boolean): Promise<Answers> {
  const until = performance.now() + LIMIT_MS;
  const all = new Array<number>(GOOD).fill(0);
  do {
    await load.measure(SLICE);
    load.meter.counts.forEach((count, index) => (all[index] = (all[index] ?? 0) + count));
  } while ((Math.min(...all) === 0 || !enough()) && performance.now() < until);
  return { answers: all.reduce((sum, count) => sum + count, 0), fewest: Math.min(...all) };
}
