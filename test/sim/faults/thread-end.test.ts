/**
 * The thread of a PAL ends, and V8 frees what it owns. Memory that the kernel still has then would be written to when it is
 * somebody else's: the simulation fails at that moment (SimulatedPlatform.end).
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type SocketHandle, type UdpHandle } from '../../../src/index.ts';
import { simulatePlatform, type ProfileName, type SimulatedPlatform } from '../../../src/sim/index.ts';

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly client: SocketHandle;
  readonly served: SocketHandle;
  readonly port: number;
}

const nothing = (): void => undefined;

function connected(seed: number, profile: ProfileName, announced = true): Bench {
  const real = simulatePlatform({ seed, profile, keepAlive: true, sendBufferSize: 1000, receiveBufferSize: 1000 });
  const platform = announced ? real : withoutEnd(real);
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
  pal.initialize();
  void pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0);
  let served: SocketHandle | undefined;
  pal.asyncAccept(server.handle, (error, socket) => {
    if (error === null) served = socket;
  });
  const client = pal.asyncConnect('127.0.0.1', server.port, {}, nothing);
  real.run();
  return { platform: real, pal, client, served: served ?? (0 as SocketHandle), port: server.port };
}

/** The same kernel for a worker thread, whose end nobody announces. */
function withoutEnd(platform: SimulatedPlatform): SimulatedPlatform {
  return new Proxy(platform, {
    get: (target, name) => {
      const value: unknown = name === 'threadEnd' ? undefined : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as () => void).bind(target) : value;
    },
  });
}

/** Operations by which the kernel has memory of V8's. */
function loans({ ledger, memory }: SimulatedPlatform, buffer: Uint8Array): number {
  const region = memory.regionOf(buffer.buffer);
  return [...ledger].filter((io) => !io.done && io.lent().some((lent) => lent.region === region)).length;
}

/** One operation each that the kernel keeps, with a buffer of allocateBuffer(). */
const lending: Record<string, (bench: Bench, buffer: Uint8Array) => void> = {
  'a read': ({ pal, served }, buffer) => pal.asyncRead(served, buffer, buffer.length, nothing),
  'a write': ({ pal, client }, buffer) => pal.asyncWrite(client, buffer, nothing),
  'a list to write': ({ pal, client }, buffer) =>
    pal.asyncWrite(client, [new Uint8Array(10), buffer, new Uint8Array(10), buffer.subarray(10)], nothing),
  'a write whose socket was closed': ({ pal, client }, buffer) => {
    pal.asyncWrite(client, buffer, nothing);
    pal.resetSocket(client);
  },
  'a read whose socket was closed': ({ pal, served }, buffer) => {
    pal.asyncRead(served, buffer, buffer.length, nothing);
    pal.closeSocket(served);
  },
};

for (const profile of ['windows', 'wine'] as const) {
  describe(`the end of the thread, with V8's memory at the kernel [${profile}]`, () => {
    for (const [what, lend] of Object.entries(lending)) {
      it(`takes back what was lent to ${what}`, () => {
        let lent = 0;
        for (let seed = 0; seed < 20; seed++) {
          const bench = connected(seed, profile);
          const buffer = bench.pal.allocateBuffer(100_000);
          lend(bench, buffer);
          lent += loans(bench.platform, buffer);
          bench.platform.end();
          // Whoever goes on in an 'exit' listener of their own.
          lend(connectedLike(bench), buffer);
          expect(loans(bench.platform, buffer)).to.equal(0);
        }
        expect(lent, 'operations that had the memory').to.be.above(0);
      });

      it(`comes without a word in a worker thread: ${what} is lent nothing`, () => {
        for (let seed = 0; seed < 5; seed++) {
          const bench = connected(seed, profile, false);
          const buffer = bench.pal.allocateBuffer(100_000);
          lend(bench, buffer);
          expect(loans(bench.platform, buffer)).to.equal(0);
          bench.platform.end();
        }
      });
    }

    it('sends what was written and only waits for its turn', () => {
      const { platform, pal, port } = connected(1, profile);
      const clients = Array.from({ length: 70 }, () => pal.asyncConnect('127.0.0.1', port, {}, nothing));
      platform.run();
      const { sendsDeferred, syscalls } = pal.stats();
      for (const client of clients) {
        pal.asyncWrite(client, new Uint8Array(0), nothing);
        pal.asyncWrite(client, Buffer.from('bye'), nothing);
      }
      expect(pal.stats().sendsDeferred - sendsDeferred).to.equal(70 - 64);
      platform.end();
      expect((pal.stats().syscalls['WSASend'] ?? 0) - (syscalls['WSASend'] ?? 0)).to.equal(70);
    });

    for (const announced of [true, false]) {
      it(`takes back the block of a read that lends, ${announced ? 'announced' : 'or has lent none without a word'}`, () => {
        for (let seed = 0; seed < 20; seed++) {
          const { platform, pal, client, served } = connected(seed, profile, announced);
          const loanCounts: number[] = [];
          pal.asyncWrite(client, Buffer.from('first'), nothing);
          pal.asyncReadView(served, (_error, view) => {
            // Busy by now: this one is posted with a block. One arena holds them all.
            pal.asyncReadView(served, nothing);
            loanCounts.push(loans(platform, view));
            platform.end(); // process.exit() in a callback
            loanCounts.push(loans(platform, view));
          });
          platform.run();
          expect(loanCounts).to.deep.equal([announced ? 1 : 0, 0]);
        }
      });
    }
  });
}

/** Another connection of the same PAL cannot be made any more; the one that there is takes more of the same. */
function connectedLike(bench: Bench): Bench {
  return { ...bench, pal: tolerant(bench.pal) };
}

/** Calls on sockets that are closed already throw, and that is fine here. */
function tolerant(pal: NetworkPal): NetworkPal {
  return new Proxy(pal, {
    get: (target, name) => {
      const method = Reflect.get(target, name, target) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        try {
          return method.apply(target, args);
        } catch {
          return undefined;
        }
      };
    },
  });
}

describe('a datagram at the end of the thread', () => {
  it('is taken back like everything else', () => {
    const platform = simulatePlatform({ seed: 1, keepAlive: true });
    const pal = createNetworkPal({ platform, strict: true });
    pal.initialize();
    void pal.runEventLoop();
    const { handle }: { handle: UdpHandle } = pal.createUdpSocket('127.0.0.1', 0);
    const buffer = pal.allocateBuffer(100);
    pal.asyncSendTo(handle, buffer, { address: '127.0.0.1', port: 9 }, nothing);
    platform.end();
    expect(loans(platform, buffer)).to.equal(0);
  });
});

describe('a PAL whose loop has ended', () => {
  it('is not told of the end of its thread', async () => {
    const platform = simulatePlatform({ seed: 1 });
    const pal = createNetworkPal({ platform });
    pal.initialize();
    const ended = pal.runEventLoop();
    await platform.settle();
    await ended;
    platform.end();
    expect(platform.openHandles).to.equal(0);
  });
});
