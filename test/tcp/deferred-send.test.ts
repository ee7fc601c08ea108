/** Sends that wait for their turn, where it matters how much the system takes, and how many operations there are. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type PalOptions, type SocketHandle } from '../../src/index.ts';
import { simulatePlatform, type SimulatedPlatform } from '../../src/sim/index.ts';

/** SENDS_AT_ONCE of the event loop. */
const AT_ONCE = 64;
const COUNT = AT_ONCE + 6;
const KIB = 1024;

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly clients: readonly SocketHandle[];
  readonly served: readonly SocketHandle[];
  /** Sends that were deferred since this was asked before. */
  readonly deferred: () => number;
}

const nothing = (): void => undefined;

function connected(options: PalOptions = {}): Bench {
  const platform = simulatePlatform({
    seed: 1,
    keepAlive: true,
    sendBufferSize: 16 * KIB * KIB,
    receiveBufferSize: 16 * KIB * KIB,
  });
  const pal = createNetworkPal({ platform, strict: true, ...options });
  pal.initialize();
  void pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 4 });
  const [clients, served]: [SocketHandle[], SocketHandle[]] = [[], []];
  while (clients.length < COUNT) {
    pal.asyncAccept(server.handle, (error, socket) => {
      if (error === null) served.push(socket);
    });
    clients.push(pal.asyncConnect('127.0.0.1', server.port, {}, nothing));
    platform.run();
  }
  let before = 0;
  const deferred = (): number => {
    const { sendsDeferred } = pal.stats();
    const since = sendsDeferred - before;
    before = sendsDeferred;
    return since;
  };
  return { platform, pal, clients, served, deferred };
}

describe('sends that wait for their turn', () => {
  it('stand in line again when one call does not take everything', () => {
    const { platform, pal, clients, deferred } = connected();
    let done = 0;
    for (const client of clients.slice(0, AT_ONCE)) pal.asyncWrite(client, Buffer.from('other'), nothing);
    pal.asyncWrite(clients[AT_ONCE]!, Buffer.alloc(600 * KIB), (error, bytes) => (done = error === null ? bytes : -1));
    platform.run();
    expect(done).to.equal(600 * KIB);
    expect(deferred(), 'turns for 600 KiB').to.equal(3);
  });

  it('of nothing need no operation where there is none', () => {
    const { platform, pal, clients, served } = connected({ maxOperations: 128 });
    for (const client of clients.slice(0, AT_ONCE)) expect(pal.tryWrite(client, Buffer.from('x'))).to.equal(1);
    for (const socket of [...served, ...clients]) {
      if (pal.stats().freeSlots > 0) pal.asyncRead(socket, Buffer.alloc(1), 1, nothing);
    }
    expect(pal.stats().freeSlots).to.equal(0);
    const outcomes: unknown[] = [];
    pal.asyncWrite(clients[AT_ONCE]!, new Uint8Array(0), (error) => outcomes.push(error));
    platform.run();
    expect(outcomes).to.deep.equal([null]);
  });

  it('are no answers when a receive has come back with nothing', () => {
    const { platform, pal, clients, served, deferred } = connected();
    let heard = -COUNT; // each begins to read once, and again
    for (const [index, client] of clients.entries()) {
      const again = (): void => {
        heard++;
        pal.asyncReadView(client, again);
      };
      again();
      pal.asyncWrite(served[index]!, Buffer.from('?'), nothing);
    }
    platform.run(() => heard === COUNT);
    for (const client of clients) expect(pal.tryWrite(client, Buffer.from('!')), 'an answer').to.equal(1);
    platform.run(); // which goes on until the receives are idle, and have given their blocks back
    expect(pal.stats().syscalls['CancelIoEx'], 'receives that have come back').to.equal(COUNT);
    deferred();
    for (const client of clients) pal.asyncWrite(client, Buffer.from('news'), nothing);
    expect(deferred()).to.equal(COUNT - AT_ONCE);
  });
});
