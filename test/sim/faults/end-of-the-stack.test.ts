/**
 * Calls that are made where the stack ends, as by a handler that recurses too deep and then closes its socket. Each either throws a
 * RangeError and has done nothing, or works: it is tried again and again on the way up, until it does. A call that stops half-way
 * would leave a socket that never closes, and a stop that never ends.
 */
import { expect } from 'chai';
import {
  createNetworkPal,
  openRemote,
  type NetworkPal,
  type OperationOptions,
  type ServerSocket,
  type SocketHandle,
  type UdpSocket,
} from '../../../src/index.ts';
import { simulateNetwork, type SimulatedPlatform } from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

interface Bench {
  readonly pal: NetworkPal;
  readonly platform: SimulatedPlatform;
  readonly server: ServerSocket;
  readonly udp: UdpSocket;
  readonly client: SocketHandle;
  readonly served: SocketHandle;
  /** Aborts the signal of the read that waits. */
  readonly abort: () => void;
  readonly options: OperationOptions;
}

interface Call {
  readonly make: (bench: Bench, done: () => void) => void;
  /** It has no callback that would come. */
  readonly isSilent?: boolean;
  /** It ends what is pending. */
  readonly answers?: boolean;
  /** What is pending on the client before. */
  readonly busy?: 'reading' | 'writing';
}

const nothing = (): void => undefined;
const bytes = (size: number): Uint8Array => new Uint8Array(size).fill(1);
const IDLE = 60_000;

const calls: Record<string, Call> = {
  'closeSocket of an idle connection': { make: ({ pal, client }, done) => pal.closeSocket(client, done) },
  'closeSocket of one that is read': {
    make: ({ pal, client }, done) => pal.closeSocket(client, done),
    busy: 'reading',
  },
  'closeSocket of one that is written to': {
    make: ({ pal, client }, done) => pal.closeSocket(client, { graceMs: 50 }, done),
    busy: 'writing',
  },
  'closeSocket of a server': { make: ({ pal, server }, done) => pal.closeSocket(server.handle, done) },
  'closeSocket of a UDP socket': { make: ({ pal, udp }, done) => pal.closeSocket(udp.handle, done) },
  resetSocket: { make: ({ pal, client }, done) => pal.resetSocket(client, done), busy: 'writing' },
  shutdown: { make: ({ pal, client }, done) => pal.shutdown(client, 'both', done), busy: 'reading' },
  asyncRead: {
    make: ({ pal, client, options }, done) => void pal.asyncRead(client, new Uint8Array(9), 9, options, done),
  },
  'asyncRead behind another': {
    make: ({ pal, client, options }, done) => void pal.asyncRead(client, new Uint8Array(9), 9, options, done),
    busy: 'reading',
  },
  asyncReadView: { make: ({ pal, client, options }, done) => void pal.asyncReadView(client, options, done) },
  asyncDrain: {
    make: ({ pal, client, options }, done) => void pal.asyncDrain(client, 1, options, done),
    busy: 'writing',
  },
  asyncWrite: { make: ({ pal, client, options }, done) => void pal.asyncWrite(client, bytes(500), options, done) },
  'asyncWrite behind others': {
    make: ({ pal, client, options }, done) => void pal.asyncWrite(client, bytes(500), options, done),
    busy: 'writing',
  },
  asyncSendFile: { make: ({ pal, client, options }, done) => void pal.asyncSendFile(client, 'file', options, done) },
  asyncConnect: {
    make: ({ pal, server, options }, done) => void pal.asyncConnect('127.0.0.1', server.port, options, done),
  },
  asyncAccept: { make: ({ pal, server, options }, done) => void pal.asyncAccept(server.handle, options, done) },
  asyncReceiveFrom: {
    make: ({ pal, udp, options }, done) => void pal.asyncReceiveFrom(udp.handle, new Uint8Array(9), 9, options, done),
  },
  asyncSendTo: {
    make: ({ pal, udp, options }, done) =>
      void pal.asyncSendTo(udp.handle, bytes(9), { address: '127.0.0.1', port: udp.port }, options, done),
  },
  watch: {
    make: ({ pal, client }) => {
      pal.watch(client, { readable: true }, nothing);
    },
    isSilent: true,
  },
  createServer: { make: ({ pal }) => void pal.createServer('127.0.0.1', 0), isSilent: true },
  createUdpSocket: { make: ({ pal }) => void pal.createUdpSocket('127.0.0.1', 0), isSilent: true },
  pauseAccept: { make: ({ pal, server }) => pal.pauseAccept(server.handle), isSilent: true },
  'the abort of a signal': { make: ({ abort }) => abort(), isSilent: true, busy: 'reading', answers: true },
  stopEventLoop: { make: ({ pal }) => void pal.stopEventLoop(), isSilent: true, busy: 'writing' },
};

/** Goes down to where the stack ends, and on the way up tries until it works. Returns how often it did not. */
function fromTheEnd(act: () => void): number {
  let attempts = 0;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // traces of so many frames take long
  const down = (): void => {
    try {
      down();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      attempts++;
      act(); // What it throws is caught by the frame above, which tries again.
    }
  };
  try {
    down();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return attempts - 1;
}

/** One whose abort needs no stack itself. */
function ownSignal(): { readonly signal: AbortSignal; readonly abort: () => void } {
  let listener = nothing;
  const signal = {
    aborted: false,
    reason: new Error('aborted'),
    addEventListener: (_type: string, added: () => void) => (listener = added),
    removeEventListener: () => (listener = nothing),
  };
  const abort = (): void => {
    signal.aborted = true;
    listener();
  };
  return { signal: signal as unknown as AbortSignal, abort };
}

async function run({ make, isSilent, answers, busy }: Call, place: (act: () => void) => void): Promise<void> {
  const network = simulateNetwork({ seed: 0, plain: true });
  const platform = network.platform({ keepAlive: true });
  platform.files.put('file', bytes(1000));
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64, closeGraceMs: 500 });
  pal.initialize();
  void pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0);
  const udp = pal.createUdpSocket('127.0.0.1', 0);
  let served = 0 as SocketHandle;
  pal.asyncAccept(server.handle, (_error, socket) => {
    served = socket;
  });
  const client = pal.asyncConnect('127.0.0.1', server.port, {}, nothing);
  platform.run();
  const { signal, abort } = ownSignal();
  const options = { timeout: 1000, signal: new AbortController().signal };
  const bench = { pal, platform, server, udp, client, served, abort, options };
  let owed = 0;
  const owe = (): (() => void) => {
    owed++;
    return () => owed--;
  };
  if (busy === 'reading') {
    pal.asyncRead(client, new Uint8Array(9), 9, { timeout: IDLE, signal }, owe());
  }
  if (busy === 'writing') for (let count = 0; count < 5; count++) pal.asyncWrite(client, bytes(100_000), owe());
  let calledBack = 0;
  place(() => make(bench, () => calledBack++));
  expect(calledBack, 'within the call').to.equal(0);
  platform.run(() => isSilent === true || calledBack > 0);
  if (isSilent !== true) expect(calledBack, pal.describe()).to.equal(1);
  if (answers === true) {
    const from = network.clock.now;
    await network.settle(() => owed === 0);
    expect(network.clock.now - from, 'and not by its timeout').to.be.below(IDLE);
  }
  let stopped = false;
  void pal.stopEventLoop().then(() => (stopped = true));
  await network.settle();
  expect(stopped, `the stop ends: ${pal.describe()}`).to.equal(true);
  expect({ calledBack, owed }).to.deep.equal({ calledBack: isSilent === true ? 0 : 1, owed: 0 });
  expect(pal.stats()).to.include({ pendingCallbacks: 0, queuedBytes: 0 });
  expectNothingLeft(platform);
}

describe('at the end of the stack', () => {
  // Compiling a function takes 40 KiB of stack more: what has run before is compiled.
  before(async () => {
    fromTheEnd(nothing);
    for (const call of Object.values(calls)) await run(call, (act) => act());
  });

  for (const [name, call] of Object.entries(calls)) {
    it(`${name} does nothing, or works`, async () => {
      let failures = 0;
      await run(call, (act) => (failures = fromTheEnd(act)));
      expect(failures, 'attempts for which the stack was too short').to.be.above(0);
    });
  }

  it('what another thread submits is queued whole, or not at all', async () => {
    const network = simulateNetwork({ seed: 0, plain: true });
    const platform = network.platform({ keepAlive: true });
    const pal = createNetworkPal({ platform, strict: true });
    pal.initialize();
    void pal.runEventLoop();
    const heard: number[] = [];
    const id = pal.onRemotePost((message) => heard.push(message.length));
    const remote = openRemote(pal.remote(), { platform });
    remote.post(id, bytes(1));
    platform.run();
    expect(fromTheEnd(() => remote.post(id, bytes(2)))).to.be.above(0);
    remote.post(id, bytes(3));
    platform.run();
    expect(heard).to.deep.equal([1, 2, 3]);
    void pal.stopEventLoop();
    await network.settle();
    expectNothingLeft(platform);
  });
});
