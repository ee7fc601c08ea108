/**
 * A watch for which no operation slot was free looked again every turn: the loop never came to rest, and the thread never
 * to sleep. It waits for capacity now, until an operation has ended.
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulateNetwork, type SimulatedNetwork } from '../../../src/sim/index.ts';

const SLOTS = 16;

/** Connections of one PAL to itself: both ends of each. */
async function connections(pal: NetworkPal, network: SimulatedNetwork, count: number): Promise<SocketHandle[]> {
  const sockets: SocketHandle[] = [];
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  for (let made = 0; made < count; made++) {
    pal.asyncAccept(server.handle, (_, client) => sockets.push(client));
    pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => sockets.push(socket));
    await network.settle(() => sockets.length === (made + 1) * 2);
  }
  pal.closeSocket(server.handle);
  await network.settle();
  return sockets;
}

describe('a watch without a free slot', () => {
  it('lets the loop come to rest, and is told as soon as there is one', async () => {
    const network = simulateNetwork({ seed: 0 });
    const pal = createNetworkPal({
      platform: network.platform({ keepAlive: true }),
      strict: true,
      maxOperations: SLOTS,
    });
    pal.initialize();
    const ended = pal.runEventLoop();
    const [watched, peer, ...others] = (await connections(pal, network, 1 + SLOTS / 2)) as [
      SocketHandle,
      SocketHandle,
      ...SocketHandle[],
    ];
    pal.asyncWrite(peer, new Uint8Array([7]), () => undefined);
    await network.settle();
    for (const socket of others) pal.asyncRead(socket, new Uint8Array(1), 1, () => undefined);
    expect(pal.stats().freeSlots).to.equal(0);
    const calls: string[] = [];
    pal.watch(watched, { readable: true }, (error) => calls.push(error?.code ?? 'readable'));
    // The simulation throws when it does not come to rest.
    await network.settle();
    expect(calls, 'while every slot is taken').to.deep.equal([]);

    const freed = others[0]!;
    pal.closeSocket(freed);
    await network.settle(() => calls.length > 0);
    expect(calls[0]).to.equal('readable');
    pal.unwatch(watched);
    await network.settle();
    void pal.stopEventLoop();
    await network.settle();
    await ended;
  });

  it('is forgotten when it ends before', async () => {
    const network = simulateNetwork({ seed: 0 });
    const platform = network.platform({ keepAlive: true });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: SLOTS });
    pal.initialize();
    const ended = pal.runEventLoop();
    const [first, second, ...others] = (await connections(pal, network, 1 + SLOTS / 2)) as [
      SocketHandle,
      SocketHandle,
      ...SocketHandle[],
    ];
    for (const socket of others) pal.asyncRead(socket, new Uint8Array(1), 1, () => undefined);
    const calls: string[] = [];
    pal.watch(first, { readable: true }, (error) => calls.push(error?.code ?? 'readable'));
    pal.watch(second, { readable: true }, (error) => calls.push(error?.code ?? 'readable'));
    await network.settle();
    pal.unwatch(first);
    pal.closeSocket(second);
    await network.settle();
    expect(calls, 'the closed one only').to.deep.equal(['ECANCELED']);
    void pal.stopEventLoop();
    await network.settle();
    await ended;
    expect(platform.openHandles).to.equal(0);
  });
});
