/**
 * Submissions from other threads to one loop: how many a second, from how many threads, and how long one takes.
 * `npm run wine -- benchmarks/remote.ts` (on Windows: node benchmarks/remote.ts).
 */
import { parentPort, Worker, workerData, isMainThread } from 'node:worker_threads';
import { createNetworkPal, NetworkError, openRemote, type WaiterKind, type RemoteToken } from '../src/index.ts';

/** Milliseconds of each measurement, and bytes of each message. */
const MEASURE_MS = 2000;
const MESSAGE_BYTES = 64;
/** Round trips for the latency: a message to the loop, and the answer through one word of shared memory. */
const ROUND_TRIPS = 500;

interface Task {
  remote: RemoteToken;
  post: number;
  /** Raised by the loop for each message when one at a time is sent. */
  answered: Int32Array;
  alone: boolean;
}

/** What one thread has done. Each counts for itself: threads do not begin at the same time. */
interface Counts {
  /** Submissions that the queue has taken. */
  sent: number;
  /** How often it was full. */
  full: number;
  seconds: number;
}

if (isMainThread) await main();
else submit(workerData as Task);

async function main(): Promise<void> {
  for (const waiter of ['worker', 'inline'] as const) {
    for (const threads of [1, 2, 4]) console.log(`${waiter}, ${threads} threads: ${await throughput(waiter, threads)}`);
    console.log(`${waiter}, one at a time: ${await latency(waiter)}`);
  }
}

async function throughput(waiter: WaiterKind, threads: number): Promise<string> {
  const pal = createNetworkPal({ waiter });
  pal.initialize();
  const ended = pal.runEventLoop();
  let heard = 0;
  const post = pal.onRemotePost(() => heard++);
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const task: Task = { remote: pal.remote(), post, answered, alone: false };
  const counts = await Promise.all(Array.from({ length: threads }, () => run<Counts>(task)));
  const { remoteRecords, remoteWakes } = pal.stats();
  if (heard > remoteRecords) throw new Error('More was heard than carried out');
  await pal.stopEventLoop();
  await ended;
  const perSecond = counts.reduce((sum, { sent, seconds }) => sum + sent / seconds, 0);
  const full = counts.reduce((sum, one) => sum + one.full, 0);
  return `${Math.round(perSecond)} submissions/s, ${remoteWakes} wake-ups for ${remoteRecords}, queue full ${full} times`;
}

async function latency(waiter: WaiterKind): Promise<string> {
  const pal = createNetworkPal({ waiter });
  pal.initialize();
  const ended = pal.runEventLoop();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const post = pal.onRemotePost(() => {
    Atomics.add(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
  const took = await run<number[]>({ remote: pal.remote(), post, answered, alone: true });
  await pal.stopEventLoop();
  await ended;
  took.sort((one, other) => one - other);
  const at = (share: number): string => ((took[Math.floor(took.length * share)] ?? NaN) * 1000).toFixed(0);
  return `${at(0.5)} µs there and back (p99 ${at(0.99)} µs)`;
}

function run<Answer>(task: Task): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    worker.once('error', reject);
    worker.once('message', resolve);
  });
}

function submit({ remote: token, post, answered, alone }: Task): void {
  const remote = openRemote(token);
  const message = new Uint8Array(MESSAGE_BYTES);
  if (alone) {
    const took: number[] = [];
    for (let round = 0; round < ROUND_TRIPS; round++) {
      const start = performance.now();
      remote.post(post, message);
      Atomics.wait(answered, 0, round);
      took.push(performance.now() - start);
    }
    parentPort?.postMessage(took);
    return;
  }
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const counts: Counts = { sent: 0, full: 0, seconds: 0 };
  const start = performance.now();
  while (performance.now() < start + MEASURE_MS) {
    try {
      for (let count = 0; count < 64; count++) {
        remote.post(post, message);
        counts.sent++;
      }
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== 'ERR_REMOTE_QUEUE_FULL') throw error;
      counts.full++;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
  counts.seconds = (performance.now() - start) / 1000;
  parentPort?.postMessage(counts);
}
