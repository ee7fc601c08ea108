/**
 * The soak itself, in the process that is watched: rounds of mixed traffic, and after each a moment of rest in which
 * everything must be gone. Started by run.ts on the Windows node.exe, with --expose-gc; leaves its samples in a file.
 */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetworkPal, type NetworkStats } from '../../src/index.ts';
import { Prng } from '../../src/sim/schedule/prng.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { serverOnUnclaimedPort } from '../support/io.ts';
import { faultyPlatform } from './faulty-platform.ts';
import { handleCounter } from './handle-count.ts';
import type { SoakOptions } from './options.ts';
import { SERVING_SOCKETS, type Outcome, type Sample, type SoakResult } from './samples.ts';
import { answerDatagrams } from './datagrams.ts';
import { makeFile } from './files.ts';
import { SESSIONS } from './kinds.ts';
import { handOn } from './moving.ts';
import { startRemoteWriter } from './remote-writer.ts';
import { acceptAll, serveOne } from './server.ts';
import type { Random } from './talk.ts';
import { collectGarbage, lineOf, sampleOf } from './watched.ts';
import { isTolerated, SoakPal, type World } from './world.ts';

/** Sessions at a time. */
const CONCURRENCY = 24;
/** Longest pause between two sessions of a lane, ms: the soak is to last, not to fill the machine. */
const LONGEST_PAUSE_MS = 40;
/** A round lasts so long that there are some 100 of them, within these bounds, seconds. */
const ROUNDS = 100;
const SHORTEST_ROUND = 1;
const LONGEST_ROUND = 5;
/** A session, or a moment of rest, that has not come by then never will. */
const STUCK_MS = 90_000;
/** Accepts posted by the servers whose connections go to another loop, and receives by the one that answers datagrams. */
const MOVING_DEPTH = 4;
const DATAGRAM_DEPTH = 4;
/** Of what must not happen, so much is kept. */
const MOST_FAILURES = 20;

const options = JSON.parse(process.argv[2] ?? '{}') as SoakOptions;
const resultFile = process.argv[3] ?? '';

const failures: string[] = [];
const fail = (what: string): void => {
  if (failures.length < MOST_FAILURES) failures.push(what);
};
const chosen = Object.entries(SESSIONS).filter(([kind]) => kind.includes(options.only));
if (chosen.length === 0) fail(`No kind of session has '${options.only}' in its name`);
/** Each kind as often as its weight says. */
const kinds = chosen.flatMap(([kind, { weight }]) => Array.from({ length: weight }, () => kind));
const outcomes: Record<string, Outcome> = Object.fromEntries(chosen.map(([kind]) => [kind, { done: 0, broken: 0 }]));
let sessions = 0;

const faulty = faultyPlatform(windowsPlatform(), options.seed);
const { platform } = faulty;
const palOptions = { platform, strict: true, closeGraceMs: 300 } as const;
const server = new SoakPal(createNetworkPal(palOptions));
const client = new SoakPal(createNetworkPal(palOptions));
for (const { pal } of [server, client]) {
  pal.initialize();
  void pal.runEventLoop();
}
const world: World = {
  server,
  client,
  listening: serverOnUnclaimedPort(server.pal), // ::1 is refused there
  transferring: server.pal.createServer('127.0.0.1', 0, { deferAssociation: true, acceptDepth: MOVING_DEPTH }),
  exporting: server.pal.createServer('127.0.0.1', 0, { deferAssociation: true, acceptDepth: MOVING_DEPTH }),
  datagrams: server.pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: DATAGRAM_DEPTH }),
  file: makeFile(),
  writer: await startRemoteWriter(client, { fail }),
  fail,
};
/** Callbacks that wait for a connection or a datagram, for as long as the soak lasts. */
const serving =
  acceptAll(server, world.listening.handle, (socket) => void serveOne(world, server, socket)) +
  handOn(world) +
  answerDatagrams(world);
const countHandles = handleCounter(platform.memory);
const samples: Sample[] = [];
const started = performance.now();
const seconds = (): number => (performance.now() - started) / 1000;

faulty.oneIn = options.faults;
try {
  const length = Math.min(LONGEST_ROUND, Math.max(SHORTEST_ROUND, options.seconds / ROUNDS));
  for (let number = 0; seconds() < options.seconds && failures.length === 0; number++) await round(number, length);
} catch (error) {
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
faulty.oneIn = 0;
const lasted = seconds();
await stop();
const result: SoakResult = {
  node: `${process.version} ${process.platform} ${process.arch}`,
  seed: options.seed,
  seconds: lasted,
  samples,
  outcomes,
  injected: faulty.injected,
  bytesVerified: server.bytesVerified + client.bytesVerified,
  failures,
};
writeFileSync(resultFile, JSON.stringify(result));
process.exit(0);

/** Both loops end by themselves, however they are left. */
async function stop(): Promise<void> {
  const stopping = Promise.all([server.pal.stopEventLoop(), client.pal.stopEventLoop()]).then(() => true);
  if (!(await Promise.race([stopping, sleep(STUCK_MS, false)]))) {
    fail(`Not stopped after ${STUCK_MS / 1000} s: ${client.pal.describe()}\n${server.pal.describe()}`);
  }
  await world.writer.end();
  world.file.remove();
}

async function round(number: number, length: number): Promise<void> {
  const end = seconds() + length;
  const lanes = Array.from({ length: CONCURRENCY }, (_, lane) => drive(number * CONCURRENCY + lane, end));
  await sleep((length * 1000) / 2);
  take('busy');
  await Promise.all(lanes);
  await rest();
  console.log(lineOf(take('rest'), `${total(faulty.injected)} failures injected`));
}

/** One session after another until the round ends. */
async function drive(lane: number, end: number): Promise<void> {
  const prng = new Prng(options.seed * 1_000_003 + lane);
  const random: Random = (below) => prng.next() % below;
  while (seconds() < end && failures.length === 0) {
    const kind = kinds[random(kinds.length)] ?? '';
    await hold(kind, random);
    sessions++;
    await sleep(random(LONGEST_PAUSE_MS));
  }
}

async function hold(kind: string, random: Random): Promise<void> {
  const outcome = outcomes[kind];
  const session = SESSIONS[kind];
  if (outcome === undefined || session === undefined) return;
  const stuck = setTimeout(() => {
    fail(`${kind} has not ended after ${STUCK_MS / 1000} s: ${client.pal.describe()}\n${server.pal.describe()}`);
  }, STUCK_MS);
  try {
    await session.run(world, random);
    outcome.done++;
  } catch (error) {
    outcome.broken++;
    if (!isTolerated(error)) fail(`${kind}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  } finally {
    clearTimeout(stuck);
  }
}

/** Waits until nothing is left but the sockets that serve, and what waits on them. */
async function rest(): Promise<void> {
  const deadline = performance.now() + STUCK_MS;
  while (!atRest()) {
    if (performance.now() > deadline) {
      throw new Error(`Not at rest after ${STUCK_MS / 1000} s: ${client.pal.describe()}\n${server.pal.describe()}`);
    }
    await sleep(5);
  }
  await collectGarbage();
}

function atRest(): boolean {
  const [ofServer, ofClient] = [server.pal.stats(), client.pal.stats()];
  const busy = ({ operations, queuedBytes }: NetworkStats): number =>
    operations.receive + operations.send + operations.connect + queuedBytes;
  return (
    ofServer.sockets === SERVING_SOCKETS &&
    ofClient.sockets === 0 &&
    // Receives that failed are posted again with the next asyncReceiveFrom.
    busy(ofServer) <= DATAGRAM_DEPTH &&
    busy(ofClient) === 0 &&
    ofServer.pendingCallbacks === serving &&
    ofClient.pendingCallbacks === 0 &&
    ofServer.openFiles + ofClient.openFiles === 0
  );
}

function take(when: Sample['when']): Sample {
  const sample = sampleOf([server.pal, client.pal], { at: seconds(), when, handles: countHandles(), sessions });
  samples.push(sample);
  if ([server, client].some(({ pal }) => pal.stats().droppedPackets > 0)) fail('A packet matched no operation');
  return sample;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
