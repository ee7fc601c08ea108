/**
 * How the WSAPoll backend's waiter is told of a change: a datagram to itself, or a short timeout. What each costs an idle
 * process, and how late an operation is that is started while it waits.
 * `npm run wine -- benchmarks/wake-up.ts` (on Windows: node benchmarks/wake-up.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetworkPal, type Backend, type PalOptions, type SocketHandle } from '../src/index.ts';
import { ws2_32Function } from '../ffi/ws2_32.ts';
import type { CFunction } from '../ffi/thread-koffi.ts';
import { waiterProgram, type MakeWait, type WaiterData } from '../src/wait/waiter-program.ts';
import { createWorkerWaiter } from '../src/wait/worker-waiter.ts';
import { windowsPlatform } from '../src/windows/windows-platform.ts';
import { wsapoll } from '../src/wsapoll/index.ts';
import { PollSet } from '../src/wsapoll/poll-set.ts';
import type { createPollWaiter } from '../src/wsapoll/poll-waiter.ts';
import { PolledTransport } from '../src/wsapoll/polled-transport.ts';
import { POLL_WORDS, type PollWords } from '../src/wsapoll/poll-waiter.ts';
import { accept, connect, readExactly, write } from '../test/support/io.ts';

const IDLE_MS = 3000;
const TRIES = 100;

interface TimedWaiterData extends WaiterData {
  WSAPoll: CFunction;
  words: PollWords;
  flag: Int32Array;
  timeoutMs: number;
}

/** The waiter of the rejected way: no wake-up, but a short timeout, after which it looks at a flag. */
const waitInSlices: MakeWait<TimedWaiterData> = ({ control, words, flag, timeoutMs, WSAPoll }, koffi, bind) => {
  const poll = bind(koffi, WSAPoll);
  return () => {
    const low = Atomics.load(control, words.addressLow) >>> 0;
    const address = Atomics.load(control, words.addressHigh) * 2 ** 32 + low;
    const found = poll(address, Atomics.load(control, words.fds), timeoutMs);
    const changed = Atomics.exchange(flag, 0, 0) === 1;
    return found > 0 || !(changed || Atomics.load(control, words.limit) > 0) ? found : 1;
  };
};

/** A kernel whose WSAPoll waiter has no wake-up but a timeout. */
function withTimeout(timeoutMs: number): PalOptions {
  const platform = windowsPlatform();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const raise = (): number => Atomics.store(flag, 0, 1);
  const makeWaiter: typeof createPollWaiter = (_platform, _kind, { array, limitMs, onReady, onFailure }) =>
    createWorkerWaiter({
      program: waiterProgram(waitInSlices),
      data: { WSAPoll: ws2_32Function('WSAPoll'), words: POLL_WORDS, flag, timeoutMs } satisfies Omit<
        TimedWaiterData,
        keyof WaiterData
      >,
      prepare: (control) => {
        const { address, count } = array();
        control[POLL_WORDS.addressLow] = address;
        control[POLL_WORDS.addressHigh] = address / 2 ** 32;
        control[POLL_WORDS.fds] = count;
        control[POLL_WORDS.limit] = limitMs();
      },
      interrupt: () => void raise(),
      // Until the thread is up nothing is found, which this measurement waits for.
      pollOnce: () => 0,
      recover: () => 0,
      onReady,
      onFailure,
    });
  const backend: Backend = {
    name: `WSAPoll for ${timeoutMs} ms`,
    open(parts) {
      const source = new PollSet(parts, makeWaiter);
      return { source, transport: new PolledTransport(parts, source) };
    },
  };
  return { backend, platform: { ...platform, ws2_32: { ...platform.ws2_32, WSASendTo: raise } } };
}

async function measure(sockets: number, options: PalOptions): Promise<string> {
  const pal = createNetworkPal({ backend: wsapoll, ...options });
  pal.initialize();
  void pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  const pairs: [SocketHandle, SocketHandle][] = [];
  for (let made = 0; made < sockets / 2 + 1; made++) {
    const [{ socket }, client] = await Promise.all([
      accept(pal, server.handle),
      connect(pal, '127.0.0.1', server.port),
    ]);
    pairs.push([socket, client]);
  }
  const [[served, client] = [], ...others] = pairs;
  if (served === undefined || client === undefined) throw new Error('No connection was made');
  for (const socket of others.flat()) pal.asyncRead(socket, new Uint8Array(1), 1, () => undefined);
  await sleep(500);
  const cpu = process.cpuUsage();
  await sleep(IDLE_MS);
  const { user, system } = process.cpuUsage(cpu);
  await write(pal, served, new Uint8Array(TRIES));
  const took: number[] = [];
  for (let round = 0; round < TRIES; round++) {
    await sleep(15 + (round % 7)); // by now the loop waits
    const start = performance.now();
    await readExactly(pal, client, 1);
    took.push(performance.now() - start);
  }
  took.sort((one, other) => one - other);
  const at = (share: number): string => (took[Math.ceil(took.length * share) - 1] ?? NaN).toFixed(1);
  await pal.stopEventLoop();
  const percent = ((user + system) / 1000 / IDLE_MS) * 100;
  return `idle CPU ${percent.toFixed(1)} %, an operation after ${at(0.5)} ms (${at(1)} ms at most)`;
}

const ways: Record<string, () => PalOptions> = {
  'datagram        ': () => ({}),
  'timeout of 1 ms ': () => withTimeout(1),
  'timeout of 10 ms': () => withTimeout(10),
};
for (const sockets of [10, 500]) {
  for (const [name, options] of Object.entries(ways)) {
    console.log(`${sockets} idle sockets, ${name}: ${await measure(sockets, options())}`);
  }
}
