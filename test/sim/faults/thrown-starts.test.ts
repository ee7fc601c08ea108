/**
 * Whatever is thrown between the taking of an operation and its Win32 call ends that operation: one callback, or a throw and none;
 * no slot, block or count is left over, the next call works, and the stop ends. At every step, for every kind of operation.
 */
import { expect } from 'chai';
import {
  createNetworkPal,
  NetworkError,
  type NetworkPal,
  type ServerHandle,
  type SocketHandle,
  type UdpHandle,
} from '../../../src/index.ts';
import { OperationKind } from '../../../src/memory/operation.ts';
import { simulateNetwork, type ProfileName, type SimulatedPlatform } from '../../../src/sim/index.ts';
import { Injection, InjectedError } from '../support/injection.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

interface Bench {
  readonly pal: NetworkPal;
  readonly platform: SimulatedPlatform;
  readonly server: { handle: ServerHandle; port: number };
  readonly client: SocketHandle;
  readonly served: SocketHandle;
  readonly udp: { handle: UdpHandle; port: number };
}

/** Told of each callback of the operation under test. */
type Told = (error: NetworkError | null) => void;

interface Operation {
  readonly kind: OperationKind;
  /** What has to be there before, without a fault. */
  readonly prepare?: (bench: Bench) => void;
  /** Starts it, and what lets it complete. It must call back once, unless it throws. */
  readonly start: (bench: Bench, told: Told) => void;
  /** The failure of one is made up for, without its user being told. */
  readonly heals?: boolean;
}

const nothing = (): void => undefined;
const bytes = (size: number): Uint8Array => new Uint8Array(size).fill(1);

/** The peer's end of what is being tested is not to be met by the fault: it acts a little later. */
function later(bench: Bench, act: () => void): void {
  bench.platform.scheduler.setTimer(5, act);
}

/** A peer that reads whatever comes. */
function drain({ pal, served }: Bench): void {
  const buffer = new Uint8Array(65536);
  const next = (): void => {
    pal.asyncRead(served, buffer, buffer.length, (error, count) => {
      if (error === null && count > 0) next();
    });
  };
  next();
}

function readAfterTraffic({ pal, client, served, platform }: Bench): void {
  for (let round = 0; round < 2; round++) {
    pal.asyncRead(served, new Uint8Array(10), 10, nothing);
    pal.asyncWrite(client, bytes(1), nothing);
    platform.run();
  }
}

const operations: Record<string, Operation> = {
  'the first receive': {
    kind: OperationKind.Receive,
    start: (bench, told) => {
      later(bench, () => bench.pal.asyncWrite(bench.client, bytes(5), nothing));
      bench.pal.asyncRead(bench.served, new Uint8Array(10), 10, (error) => told(error));
    },
  },
  'a receive into a block': {
    kind: OperationKind.Receive,
    prepare: readAfterTraffic,
    start: (bench, told) => {
      later(bench, () => bench.pal.asyncWrite(bench.client, bytes(5), nothing));
      bench.pal.asyncRead(bench.served, new Uint8Array(10), 10, (error) => told(error));
    },
  },
  'a receive in place': {
    kind: OperationKind.Receive,
    prepare: readAfterTraffic,
    start: (bench, told) => {
      later(bench, () => bench.pal.asyncWrite(bench.client, bytes(5), nothing));
      bench.pal.asyncRead(bench.served, bench.pal.allocateBuffer(100), 100, { timeout: 1000 }, (error) => told(error));
    },
  },
  'a send': {
    kind: OperationKind.Send,
    start: ({ pal, client }, told) =>
      void pal.asyncWrite(client, bytes(100), { timeout: 1000 }, (error) => told(error)),
  },
  'a send that gathers': {
    kind: OperationKind.Send,
    start: ({ pal, client }, told) => {
      const pinned = pal.allocateBuffer(1000);
      pal.asyncWrite(client, [bytes(10), pinned, bytes(200), pinned.subarray(500), bytes(3)], (error) => told(error));
    },
  },
  'a send of what queued up': {
    kind: OperationKind.Send,
    start: ({ pal, client }, told) => {
      let owed = 3;
      const one: Told = (error) => {
        owed--;
        if (owed === 0) told(error);
      };
      let threw: unknown = null;
      for (let count = 0; count < 3; count++) {
        try {
          pal.asyncWrite(client, bytes(1000), one);
        } catch (error) {
          threw = error;
          owed--;
        }
      }
      if (owed === 0) throw threw as Error;
    },
  },
  'a file that TransmitFile sends': {
    kind: OperationKind.Send,
    prepare: (bench) => {
      bench.platform.files.put('file', bytes(1_500_000));
      drain(bench);
    },
    start: ({ pal, client }, told) =>
      void pal.asyncSendFile(client, 'file', { head: bytes(10), tail: bytes(10) }, (error) => told(error)),
  },
  'a file that is read and sent': {
    kind: OperationKind.Send,
    prepare: (bench) => {
      bench.platform.files.put('file', bytes(600_000));
      drain(bench);
    },
    start: ({ pal, client }, told) =>
      void pal.asyncSendFile(client, 'file', { head: bytes(10), transmitFile: false }, (error) => told(error)),
  },
  'a connect': {
    kind: OperationKind.Connect,
    start: ({ pal, server }, told) =>
      void pal.asyncConnect('127.0.0.1', server.port, { noDelay: true, timeout: 60_000 }, (error) => told(error)),
  },
  'an accept': {
    kind: OperationKind.Accept,
    heals: true,
    prepare: (bench) => {
      // The pool is empty while nobody asks.
      bench.pal.asyncConnect('127.0.0.1', bench.server.port, {}, nothing);
      bench.platform.run();
    },
    start: (bench, told) => {
      const fresh = bench.pal.createServer('127.0.0.1', 0, { acceptDepth: 2 });
      later(bench, () => bench.pal.asyncConnect('127.0.0.1', fresh.port, {}, nothing));
      bench.pal.asyncAccept(fresh.handle, (error) => told(error));
    },
  },
  'a receive of a datagram': {
    kind: OperationKind.ReceiveFrom,
    start: (bench, told) => {
      later(bench, () =>
        bench.pal.asyncSendTo(bench.udp.handle, bytes(10), { address: '127.0.0.1', port: bench.udp.port }, nothing),
      );
      bench.pal.asyncReceiveFrom(bench.udp.handle, new Uint8Array(10), 10, (error) => told(error));
    },
  },
  'a datagram': {
    kind: OperationKind.SendTo,
    start: ({ pal, udp }, told) =>
      void pal.asyncSendTo(udp.handle, bytes(10), { address: '127.0.0.1', port: udp.port }, (error) => told(error)),
  },
  'a datagram in place': {
    kind: OperationKind.SendTo,
    start: ({ pal, udp }, told) =>
      void pal.asyncSendTo(udp.handle, pal.allocateBuffer(10), { address: '127.0.0.1', port: udp.port }, (error) =>
        told(error),
      ),
  },
  'a zero-byte receive': {
    kind: OperationKind.ZeroByteReceive,
    heals: true,
    start: (bench, told) => {
      later(bench, () => bench.pal.asyncWrite(bench.client, bytes(5), nothing));
      let first = true;
      bench.pal.watch(bench.served, { readable: true }, (error) => {
        if (first) told(error);
        first = false;
        bench.pal.unwatch(bench.served);
      });
    },
  },
  'a disconnect': {
    kind: OperationKind.Disconnect,
    heals: true,
    prepare: ({ pal, client, platform, served }) => {
      pal.asyncRead(served, new Uint8Array(10), 10, nothing);
      pal.shutdown(client, 'send');
      platform.run();
    },
    start: ({ pal, served }, told) => pal.closeSocket(served, () => told(null)),
  },
};

function open(
  network: ReturnType<typeof simulateNetwork>,
  profile: ProfileName,
  skips: boolean,
  injection: Injection,
): Bench {
  const platform = network.platform({ profile, keepAlive: true });
  const options = { strict: true, maxOperations: 64, skipCompletionPortOnSuccess: skips };
  const pal = createNetworkPal({ platform: injection.wrap(platform), ...options });
  pal.initialize();
  void pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0, { reuseSockets: !skips });
  let served = 0 as SocketHandle;
  pal.asyncAccept(server.handle, (_error, socket) => {
    served = socket;
  });
  const client = pal.asyncConnect('127.0.0.1', server.port, {}, nothing);
  const udp = pal.createUdpSocket('127.0.0.1', 0);
  platform.run();
  return { pal, platform, server, client, served, udp };
}

/** Runs an operation with a fault at one step. Returns the step, or null when there are not so many. */
async function run(operation: Operation, fault: number, profile: ProfileName, skips: boolean): Promise<string | null> {
  const network = simulateNetwork({ seed: 0, plain: true });
  const injection = new Injection(fault, operation.kind);
  try {
    const bench = open(network, profile, skips, injection);
    const { pal, platform } = bench;
    operation.prepare?.(bench);
    const calls: (NetworkError | null)[] = [];
    let thrown: unknown = null;
    injection.begin();
    try {
      operation.start(bench, (error) => calls.push(error));
    } catch (error) {
      thrown = error;
    }
    platform.run();
    injection.end();
    const where = `${String(injection.step)}: ${pal.describe()}`;
    if (thrown !== null) {
      expect(thrown, where).to.be.instanceOf(InjectedError);
      expect(calls, where).to.deep.equal([]);
    } else {
      expect(calls, where).to.have.lengthOf(1);
      const [error] = calls;
      if (error instanceof NetworkError) {
        // (UNKNOWN is an error of node:fs without a word of its own.)
        expect(error.code, where).to.be.oneOf(['EFAULT', 'ENOBUFS', 'ERR_BUFFER_DETACHED', 'UNKNOWN']);
        if (error.code === 'EFAULT') expect(error.cause, where).to.be.instanceOf(InjectedError);
      } else if (injection.step !== null && operation.heals !== true) {
        expect(error, where).to.equal(null); // the fault was not the operation's own
      }
    }
    // The next of its kind works, on sockets of its own.
    const again: (NetworkError | null)[] = [];
    const fresh = reopen(bench);
    operation.prepare?.(fresh);
    operation.start(fresh, (error) => again.push(error));
    platform.run();
    expect(again, `the next one, after ${where}`).to.deep.equal([null]);
    const ended = pal.stopEventLoop();
    await network.settle();
    await ended;
    expectNothingLeft(platform, where);
    return injection.step;
  } finally {
    injection.end();
  }
}

/** New sockets on the same PAL. */
function reopen(bench: Bench): Bench {
  const { pal, platform, server } = bench;
  const fresh = pal.createServer('127.0.0.1', 0, {});
  let served = 0 as SocketHandle;
  pal.asyncAccept(fresh.handle, (_error, socket) => {
    served = socket;
  });
  const client = pal.asyncConnect('127.0.0.1', fresh.port, {}, nothing);
  const udp = pal.createUdpSocket('127.0.0.1', 0);
  platform.run();
  return { ...bench, server, client, served, udp };
}

/** Fewer steps than this would mean that the injection has lost its places. */
const LEAST_STEPS = 2;

for (const [profile, skips] of [
  ['windows', false],
  ['windows', true],
  ['wine', false],
] as const) {
  describe(`what throws in the start of [${profile}${skips ? ', skipping packets' : ''}]`, () => {
    for (const [name, operation] of Object.entries(operations)) {
      it(`${name} ends it, with one callback`, async () => {
        let fault = 1;
        while ((await run(operation, fault, profile, skips)) !== null) fault++;
        const isThere = name !== 'a disconnect' || !skips;
        expect(fault - 1, 'steps').to.be.at.least(isThere ? LEAST_STEPS : 0);
      });
    }
  });
}
