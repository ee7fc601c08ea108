/**
 * The wait for packets fails, from every moment on: of the waiter thread, of the owner's own thread in its place, of a look in
 * the loop's turn. Everything that is pending is answered once, the loop ends with an error that says why, nothing is freed
 * that the kernel has, and the PAL can be used again.
 */
import { expect } from 'chai';
import {
  ERROR_ABANDONED_WAIT_0,
  ERROR_INVALID_HANDLE,
  ERROR_NOT_FOUND,
  ERROR_NO_SYSTEM_RESOURCES,
} from '../../../ffi/wsa-errors.ts';
import { createNetworkPal, NetworkError, NetworkErrorCode, type NetworkPal } from '../../../src/index.ts';
import {
  simulateNetwork,
  type PlannedFault,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';
import { RawPeer } from '../support/raw-peer.ts';

/** Waits of a run, at most: the last of them is where nothing fails any more. */
const MOMENTS = 14;
const SEEDS = isLong ? 8 : 4;
const WAIT = 'GetQueuedCompletionStatusEx';
/** What a wait answers once somebody has closed the port's handle: before the wait, or during it. */
const HANDLE_GONE = [ERROR_INVALID_HANDLE, ERROR_ABANDONED_WAIT_0] as const;

interface Bench {
  readonly network: SimulatedNetwork;
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly plan: PlannedFault[];
  /** Answers, by call: how often, and the word. */
  readonly answers: Map<string, string[]>;
  readonly end: { error: unknown; ended: boolean };
}

function start(seed: number, waiter: 'worker' | 'inline', profile: 'windows' | 'wine', plan: PlannedFault[]): Bench {
  const network = simulateNetwork({ seed });
  const options = {
    profile,
    keepAlive: true,
    faults: { plan },
    sendBufferSize: 1000,
    receiveBufferSize: 1000,
  } as const;
  const platform = network.platform(options);
  const pal = createNetworkPal({ platform, waiter, strict: true, maxOperations: 64, closeGraceMs: 60_000 });
  pal.initialize();
  const bench = { network, platform, pal, plan, answers: new Map<string, string[]>(), end: run(pal) };
  return bench;
}

function run(pal: NetworkPal): Bench['end'] {
  const end = { error: null as unknown, ended: false };
  pal.runEventLoop().then(
    () => (end.ended = true),
    (error: unknown) => Object.assign(end, { error, ended: true }),
  );
  return end;
}

/** A callback that counts. */
function answer({ answers }: Bench, call: string): (error: NetworkError | null) => void {
  answers.set(call, []);
  return (error) => answers.get(call)?.push(error?.code ?? 'ok');
}

/** One of each call that can wait, and lends the kernel something. */
function callEverything(bench: Bench): void {
  const { pal, network, platform } = bench;
  const peer = new RawPeer(network, network.platform());
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 3 });
  pal.asyncAccept(server.handle, answer(bench, 'accept'));
  pal.asyncConnect('192.0.2.1', 9, {}, answer(bench, 'connect to nobody'));
  const named = { lookup: (): void => undefined };
  pal.asyncConnect('nobody.example', 9, named, answer(bench, 'connect by name'));
  platform.files.put('file', Buffer.alloc(100_000));
  const connected = answer(bench, 'connect');
  const client = pal.asyncConnect('127.0.0.1', peer.port, {}, (error) => {
    connected(error);
    if (error !== null) return;
    pal.asyncRead(client, Buffer.alloc(10), 10, answer(bench, 'read'));
    pal.asyncWrite(client, pal.allocateBuffer(5000), answer(bench, 'write'));
    pal.asyncSendFile(client, 'file', {}, answer(bench, 'file'));
    pal.asyncWrite(client, Buffer.alloc(3000), answer(bench, 'write behind it'));
  });
  const udp = pal.createUdpSocket('127.0.0.1', 0).handle;
  pal.asyncReceiveFrom(udp, Buffer.alloc(10), 10, answer(bench, 'receiveFrom'));
  for (let count = 0; count < 20; count++)
    pal.asyncSendTo(udp, Buffer.alloc(10), { address: '127.0.0.1', port: 9 }, answer(bench, `sendTo ${count}`));
}

async function settle({ network }: Bench, until?: () => boolean): Promise<void> {
  await network.settle(until);
}

/** It has ended with the error, and everybody was told once. Returns false when nothing has failed. */
async function expectEnd(bench: Bench, code: number, where: string): Promise<boolean> {
  const { pal, platform, end, answers } = bench;
  const failed = end.ended;
  if (failed) {
    expect(end.error, where).to.be.instanceOf(NetworkError);
    expect(end.error, where).to.include({ code: 'ERR_EVENT_LOOP_FAILED', kind: NetworkErrorCode.EventLoopError });
    expect(end.error, where).to.include({ syscall: WAIT, systemErrorCode: code });
    expect((end.error as Error).message).to.match(/cannot wait for the network.*runEventLoop\(\) again/);
  } else {
    const stopped = pal.stopEventLoop();
    await settle(bench, () => end.ended);
    await stopped;
  }
  expect(pal.isRunning(), where).to.equal(false);
  for (const [call, heard] of answers) expect(heard, `${where}: ${call}`).to.have.lengthOf(1);
  await pal.stopEventLoop(); // nothing is left to be stopped
  await settle(bench); // files may still be opened for writes that were answered
  if (!HANDLE_GONE.some((gone) => gone === code)) expectNothingLeft(platform, where);
  return failed;
}

for (const profile of ['windows', 'wine'] as const) {
  for (const waiter of ['worker', 'inline'] as const) {
    describe(`a wait that fails [${profile}, ${waiter}]`, () => {
      it('ends the loop from every moment on, with everything answered', async () => {
        let failures = 0;
        for (let nth = 1; nth <= MOMENTS; nth++) {
          for (let seed = 0; seed < SEEDS; seed++) {
            const where = `from wait ${nth} on, seed ${seed}`;
            const plan: PlannedFault[] = [{ call: WAIT, nth, code: ERROR_NO_SYSTEM_RESOURCES, lasting: true }];
            const bench = start(seed, waiter, profile, plan);
            callEverything(bench);
            await settle(bench, () => bench.end.ended);
            if (await expectEnd(bench, ERROR_NO_SYSTEM_RESOURCES, where)) failures++;
          }
        }
        expect(failures, 'loops that have ended by it').to.be.above(SEEDS * 4);
      });

      it('leaves a PAL that runs again once the system is well', async () => {
        const plan: PlannedFault[] = [{ call: WAIT, nth: 3, code: ERROR_NO_SYSTEM_RESOURCES, lasting: true }];
        const bench = start(1, waiter, profile, plan);
        callEverything(bench);
        await settle(bench, () => bench.end.ended);
        expect(bench.end.error).to.be.instanceOf(NetworkError);
        plan.length = 0;
        const again = { ...bench, end: run(bench.pal), answers: new Map<string, string[]>() };
        callEverything(again);
        await settle(again, () => again.answers.get('connect')?.length === 1);
        expect(again.answers.get('connect')).to.deep.equal(['ok']);
        expect(await expectEnd(again, 0, 'the second run')).to.equal(false);
        expect(again.end.error).to.equal(null);
      });

      it('while it stops: the flush is cut short, and both promises are settled', async () => {
        for (let seed = 0; seed < SEEDS; seed++) {
          const plan: PlannedFault[] = [];
          const bench = start(seed, waiter, profile, plan);
          callEverything(bench);
          await settle(bench, () => bench.answers.get('connect')?.length === 1);
          plan.push({ call: WAIT, nth: 1, code: ERROR_NO_SYSTEM_RESOURCES, lasting: true });
          const since = bench.network.clock.now;
          const stopped = bench.pal.stopEventLoop();
          await settle(bench, () => bench.end.ended);
          await stopped;
          await expectEnd(bench, ERROR_NO_SYSTEM_RESOURCES, `seed ${seed}`);
          expect(bench.network.clock.now - since, 'milliseconds, of a grace of 60 s').to.be.below(6000);
        }
      });

      it('before the loop runs: it ends when it is run', async () => {
        const plan: PlannedFault[] = [{ call: WAIT, nth: 1, code: ERROR_NO_SYSTEM_RESOURCES, lasting: true }];
        const network = simulateNetwork({ seed: 1 });
        const platform = network.platform({ profile, keepAlive: true, faults: { plan } });
        const pal = createNetworkPal({ platform, waiter, strict: true });
        pal.initialize();
        const bench: Bench = { network, platform, pal, plan, answers: new Map(), end: { error: null, ended: false } };
        pal.createServer('127.0.0.1', 0);
        await settle(bench, () => network.clock.now > 5000); // somebody has looked whether anything is due
        const ran = { ...bench, end: run(pal) };
        await settle(ran, () => ran.end.ended);
        expect(await expectEnd(ran, ERROR_NO_SYSTEM_RESOURCES, 'the run')).to.equal(true);
      });

      it('on a handle that somebody has closed leaves that number alone: it may be anybody’s by now', async () => {
        for (const code of HANDLE_GONE) {
          const bench = start(1, waiter, profile, [{ call: WAIT, nth: 3, code, lasting: true }]);
          callEverything(bench);
          await settle(bench, () => bench.end.ended);
          expect(await expectEnd(bench, code, `code ${code}`)).to.equal(true);
          expect(bench.platform.openHandles, `the port, code ${code}`).to.equal(1);
          expect(bench.platform.memory.regions, `everything has ended before, code ${code}`).to.equal(0);
        }
      });

      it('keeps the memory of what neither a cancel nor closesocket ends, and answers all the same', async () => {
        const plan: PlannedFault[] = [{ call: 'CancelIoEx', nth: 1, code: ERROR_NOT_FOUND, lasting: true }];
        const bench = start(1, waiter, profile, plan);
        const { platform } = bench;
        callEverything(bench);
        await settle(bench, () => bench.answers.get('connect')?.length === 1);
        plan.push({ call: WAIT, nth: 1, code: ERROR_NO_SYSTEM_RESOURCES, lasting: true });
        platform.ws2_32.closesocket = () => 0;
        await settle(bench, () => bench.end.ended);
        // (The simulated platform would not let its memory go, nor the port that its packets go to.)
        expect(bench.end.error).to.have.property('code', 'ERR_EVENT_LOOP_FAILED');
        for (const [call, heard] of bench.answers) expect(heard, call).to.have.lengthOf(1);
        const pending = [...platform.ledger].filter((io) => !io.done);
        expect(pending.map(({ kind }) => kind)).to.include.members(['WSARecv', 'AcceptEx', 'ConnectEx']);
        expect(platform.memory.regions, 'the slab, and the chunks of its blocks').to.be.at.least(2);
        expect(bench.pal.isRunning()).to.equal(false);
      });
    });
  }
}
