/**
 * The soak of a live relay, in the process that is watched: docs/examples/rtmp-relay and those who publish, watch, stall, reset and
 * flood it, and each minute another process that is killed in the middle of its streams. Started by ../run.ts as ../main.ts is.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRelay } from '../../../docs/examples/rtmp-relay/relay.ts';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { networkOver } from '../../../src/promises/index.ts';
import { Prng } from '../../../src/sim/schedule/prng.ts';
import { windowsPlatform } from '../../../src/windows/windows-platform.ts';
import { handleCounter } from '../handle-count.ts';
import type { SoakOptions } from '../options.ts';
import type { Outcome, Sample, SoakResult } from '../samples.ts';
import type { Random } from '../talk.ts';
import { collectGarbage, lineOf, sampleOf } from '../watched.ts';
import { LIVE_SESSIONS, type LiveWorld } from './kinds.ts';

/** Sessions at a time, of two to four connections each, and floods of 25. */
const CONCURRENCY = 8;
const LONGEST_PAUSE_MS = 100;
/** Seconds of traffic between two moments of rest. */
const ROUND_SECONDS = 4;
/** Seconds from one death of the other process to the next. */
const KILL_EVERY = 60;
/** What has not come by then never will. */
const STUCK_MS = 90_000;
/** Who stalls, is silent or never begins is thrown out soon; but whoever means well has time, however busy the machine is. */
const LIMITS = { beginMs: 10_000, silenceMs: 10_000, stallMs: 8000, queueBytes: 2_000_000 };

const options = JSON.parse(process.argv[2] ?? '{}') as SoakOptions;
const resultFile = process.argv[3] ?? '';

const failures: string[] = [];
const fail = (what: unknown): void => void failures.push(what instanceof Error ? (what.stack ?? '') : String(what));
const kinds = Object.entries(LIVE_SESSIONS).flatMap(([kind, { weight }]) =>
  Array.from({ length: kind.includes(options.only) ? weight : 0 }, () => kind),
);
const outcomes: Record<string, Outcome> = Object.fromEntries(
  [...kinds, 'other process'].map((kind) => [kind, { done: 0, broken: 0 }]),
);

const platform = windowsPlatform();
const [serving, visiting] = [startPal(), startPal()];
const relay = await startRelay(networkOver(serving), { port: 0, limits: LIMITS });
let names = 0;
let bytesVerified = 0;
const world: LiveWorld = {
  network: networkOver(visiting),
  port: relay.server.port,
  streamName: () => `stream-${++names}`,
  verified: (bytes) => (bytesVerified += bytes),
};
const countHandles = handleCounter(platform.memory);
const samples: Sample[] = [];
const started = performance.now();
const seconds = (): number => (performance.now() - started) / 1000;
let sessions = 0;
let killed = 0;

try {
  for (let number = 0; seconds() < options.seconds && failures.length === 0; number++) await round(number);
} catch (error) {
  fail(error);
}
const lasted = seconds();
await relay.stop();
await relay.served;
const stopping = Promise.all([serving.stopEventLoop(), visiting.stopEventLoop()]).then(() => true);
if (!(await Promise.race([stopping, sleep(STUCK_MS, false)]))) fail(`Not stopped: ${serving.describe()}`);
const result: SoakResult = {
  node: `${process.version} ${process.platform} ${process.arch}`,
  seed: options.seed,
  seconds: lasted,
  samples,
  outcomes,
  injected: {},
  bytesVerified,
  failures,
};
writeFileSync(resultFile, JSON.stringify(result));
process.exit(0);

function startPal(): NetworkPal {
  const pal = createNetworkPal({ platform, strict: true, closeGraceMs: 1000 });
  pal.initialize();
  void pal.runEventLoop();
  return pal;
}

async function round(number: number): Promise<void> {
  const end = seconds() + Math.min(ROUND_SECONDS, options.seconds / 2);
  const lanes = Array.from({ length: CONCURRENCY }, (_, lane) => drive(number * CONCURRENCY + lane, end));
  if (seconds() >= killed * KILL_EVERY) lanes.push(otherProcess());
  await sleep((ROUND_SECONDS * 1000) / 2);
  take('busy');
  await Promise.all(lanes);
  await rest();
  console.log(lineOf(take('rest'), `${names} streams, ${killed} processes killed`));
}

async function drive(lane: number, end: number): Promise<void> {
  const prng = new Prng(options.seed * 1_000_003 + lane);
  const random: Random = (below) => prng.next() % below;
  while (seconds() < end && failures.length === 0) {
    const kind = kinds[random(kinds.length)] ?? '';
    await hold(kind, LIVE_SESSIONS[kind]?.run(world, random));
    await sleep(random(LONGEST_PAUSE_MS));
  }
}

/** Publishes, watches, and is killed. Its connections end as those of a machine that loses its current. */
function otherProcess(): Promise<void> {
  const number = ++killed;
  const run = async (): Promise<void> => {
    const script = fileURLToPath(
      import.meta.resolve(`./other-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`),
    );
    const child = spawn(process.execPath, [script, String(relay.server.port), `other-${number}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const died = once(child, 'exit');
    const streams = await Promise.race([once(child.stdout, 'data').then(() => true), died.then(() => false)]);
    if (!streams) throw new Error('The other process ended before it was killed');
    child.kill('SIGKILL');
    await died;
  };
  return hold('other process', run());
}

async function hold(kind: string, session: Promise<void> | undefined): Promise<void> {
  const outcome = outcomes[kind];
  if (outcome === undefined || session === undefined) return;
  const stuck = setTimeout(() => {
    fail(`${kind} has not ended after ${STUCK_MS / 1000} s: ${visiting.describe()}\n${serving.describe()}`);
  }, STUCK_MS);
  try {
    await session;
    outcome.done++;
  } catch (error) {
    outcome.broken++;
    fail(`${kind}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  } finally {
    clearTimeout(stuck);
    sessions++;
  }
}

/** Waits until the server is the only socket, and nobody is served. */
async function rest(): Promise<void> {
  const deadline = performance.now() + STUCK_MS;
  const sockets = (): number => serving.stats().sockets + visiting.stats().sockets;
  while (sockets() > 1 || relay.sessions.size > 0 || relay.streams.size > 0) {
    if (performance.now() > deadline) throw new Error(`Not at rest: ${visiting.describe()}\n${serving.describe()}`);
    await sleep(10);
  }
  await collectGarbage();
}

function take(when: Sample['when']): Sample {
  const sample = sampleOf([serving, visiting], { at: seconds(), when, handles: countHandles(), sessions });
  samples.push(sample);
  if (serving.stats().droppedPackets + visiting.stats().droppedPackets > 0) fail('A packet matched no operation');
  return sample;
}
