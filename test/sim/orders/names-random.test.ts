/**
 * Many names at once on random schedules, with calls and operations that fail for no reason, few operation slots, and
 * users who close, reset, unref or stop in between. Each callback comes once, each winner is connected under its own
 * handle, and nothing is left. What each order of two attempts leads to is in names.test.ts.
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkError, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { Prng } from '../../../src/sim/schedule/prng.ts';
import { Step } from '../../../src/sim/schedule/agenda.ts';
import { simulateNetwork, type SimulatedNetwork } from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const SEEDS = isLong ? 800 : 50;
const NAMES = 6;
/** IPv6 and IPv4 addresses that accept, refuse (nobody listens there), never answer, or cannot be reached. */
const ADDRESSES = {
  6: ['::1', '2001:db8::2', '2001:db8:1::1', '2001:db8:2::1'],
  4: ['127.0.0.1', '127.0.0.2', '192.0.2.1', '198.51.100.1'],
} as const;
/** Answers other than those that the addresses give. */
const FAULTS_BRING = /^(ENOBUFS|ENETDOWN|ENETUNREACH|EMFILE|ECONNRESET|ENOTCONN|ERR_TOO_MANY_OPERATIONS)$/;
/** EADDRINUSE: two names from the same local port. */
const ADDRESSES_BRING = /^(ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ECANCELED|EADDRINUSE)$/;

interface Named {
  handle: SocketHandle;
  calls: number;
  error: NetworkError | null;
  closed: boolean;
}

async function run(seed: number): Promise<Map<string, number>> {
  const random = new Prng(seed);
  const pick = (count: number): number => random.next() % count;
  const faulty = pick(2) === 1;
  const network = simulateNetwork({ seed: seed + 1, impatient: pick(2) === 1 });
  const platform = network.platform({
    profile: pick(2) === 0 ? 'windows' : 'wine',
    keepAlive: true,
    ...(faulty && { faults: { calls: 30, operations: 20 } }),
  });
  const others = network.platform({ keepAlive: true });
  const server = createNetworkPal({ platform: others, maxOperations: 256 });
  const few = faulty && pick(3) === 0;
  const pal = createNetworkPal({
    platform,
    waiter: pick(2) === 0 ? 'worker' : 'inline',
    skipCompletionPortOnSuccess: pick(2) === 0,
    maxOperations: few ? 16 : 64,
    strict: true,
  });
  if (platform.faults !== null) platform.faults.enabled = false;
  for (const each of [server, pal]) each.initialize();
  if (platform.faults !== null) platform.faults.enabled = true;
  const ended = Promise.all([server.runEventLoop(), pal.runEventLoop()]);
  const { port } = server.createServer('::1', 0, { acceptDepth: 8 });
  server.createServer('127.0.0.1', port, { acceptDepth: 8 });

  const outcomes = new Map<string, number>();
  const named = Array.from({ length: NAMES }, () => connectOne(network, pal, port, pick, outcomes));
  if (pick(8) === 0) later(network, 'stop', () => void pal.stopEventLoop());
  await network.settle();
  for (const { calls } of named) expect(calls, 'callbacks').to.equal(1);
  if (platform.faults !== null) platform.faults.enabled = false;
  void pal.stopEventLoop();
  void server.stopEventLoop();
  await network.settle();
  await ended;
  expectNothingLeft(platform);
  for (const { error } of named) {
    if (error === null) continue;
    const known = ADDRESSES_BRING.test(error.code) || (faulty && FAULTS_BRING.test(error.code));
    expect(known, `${error.code} is to be expected`).to.equal(true);
  }
  return outcomes;
}

function connectOne(
  network: SimulatedNetwork,
  pal: NetworkPal,
  port: number,
  pick: (count: number) => number,
  outcomes: Map<string, number>,
): Named {
  const mine: Named = { handle: 0 as SocketHandle, calls: 0, error: null, closed: false };
  const some = (family: 4 | 6): { address: string; family: number }[] =>
    Array.from({ length: pick(4) }, () => ({ address: ADDRESSES[family][pick(4)] ?? '', family }));
  const lists = { 4: some(4), 6: some(6) };
  mine.handle = pal.asyncConnect(
    'host.test',
    port,
    {
      attemptDelay: 10 + pick(300),
      ...(pick(3) === 0 && { timeout: 1 + pick(700) }),
      ...(pick(5) === 0 && { localPort: 20_000 + pick(3) }),
      noDelay: pick(2) === 0,
      lookup: (_name, options, callback) => {
        const family = options.family === 4 ? 4 : 6;
        const answer = (): void => callback(null, lists[family]);
        if (pick(3) === 0) answer();
        else later(network, 'answer', answer);
      },
    },
    (error, socket) => {
      mine.calls++;
      mine.error = error;
      outcomes.set(error?.code ?? 'success', (outcomes.get(error?.code ?? 'success') ?? 0) + 1);
      expect(socket).to.equal(mine.handle);
      // An error may have been on its way when it was closed; a success may not.
      if (mine.closed) expect(error, 'closed before').to.not.equal(null);
      if (error === null) expect(pal.getRemoteAddress(socket)).to.be.oneOf(['::1', '127.0.0.1']);
    },
  );
  const what = pick(6);
  if (what < 2) {
    later(network, 'close', () => {
      if (!pal.isRunning()) return;
      mine.closed = mine.calls === 0;
      if (what === 0) pal.closeSocket(mine.handle);
      else pal.resetSocket(mine.handle);
    });
  } else if (what === 2) pal.unref(mine.handle);
  return mine;
}

/** At any moment from now on. */
function later(network: SimulatedNetwork, what: string, act: () => void): void {
  network.agenda.add(new Step(what, act, true));
}

describe('many names at once', function () {
  it(`on ${SEEDS} random schedules`, async () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      try {
        for (const [outcome, count] of await run(seed)) seen.set(outcome, (seen.get(outcome) ?? 0) + count);
      } catch (error) {
        throw new Error(`Seed ${seed}`, { cause: error });
      }
    }
    const outcomes = ['success', 'ECONNREFUSED', 'ETIMEDOUT', 'ENOTFOUND', 'ECANCELED', 'EHOSTUNREACH'];
    if (isLong) outcomes.push('EMFILE'); // one schedule in a hundred
    for (const outcome of outcomes) {
      expect(seen.get(outcome) ?? 0, outcome).to.be.above(isLong ? 4 : 0);
    }
  });
});

describe('a name that is being connected to', () => {
  for (const stage of ['resolving', 'attempting'] as const) {
    for (const referenced of [true, false]) {
      it(`keeps the loop alive, ${stage}${referenced ? '' : ', also when it is unreferenced'}`, async () => {
        const network = simulateNetwork({ seed: 0, plain: true });
        const platform = network.platform();
        const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
        pal.initialize();
        let over = false;
        const ended = pal.runEventLoop().then(() => (over = true));
        const codes: string[] = [];
        const socket = pal.asyncConnect(
          'host.test',
          80,
          {
            lookup: (_name, _options, callback) => {
              if (stage === 'attempting') callback(null, [{ address: '192.0.2.1', family: 4 }]);
            },
          },
          (error) => codes.push(error?.code ?? 'success'),
        );
        if (!referenced) pal.unref(socket);
        // Well before the system gives the attempt up.
        const start = network.clock.now;
        await network.settle(() => over || network.clock.now > start + 5000 || network.agenda.length === 0);
        expect(over, 'the loop has ended').to.equal(false);
        void pal.stopEventLoop();
        await network.settle();
        await ended;
        expect(codes).to.deep.equal(['ECANCELED']);
        expect(platform.openHandles).to.equal(0);
      });
    }
  }
});
