/** The server with every limit, as docs/limits.md shows it, when the limit that all sockets share is reached. */
import { expect } from 'chai';
import { READ_BYTES, serveGuarded } from '../../benchmarks/servers/guarded.ts';
import { createNetworkPal } from '../../src/index.ts';
import { simulateNetwork } from '../../src/sim/index.ts';

describe('the guarded server', () => {
  it('throws out whose answer has no room in the queues, and serves the others', async () => {
    const network = simulateNetwork({ seed: 1 });
    const pal = createNetworkPal({ platform: network.platform({ keepAlive: true }), maxQueuedBytes: 65_536 });
    const peer = createNetworkPal({ platform: network.platform({ keepAlive: true }) });
    for (const one of [pal, peer]) {
      one.initialize();
      void one.runEventLoop();
    }
    const { server, counts } = serveGuarded(pal, { headerMs: 60_000, idleMs: 60_000 });
    // Each asks for much and reads nothing: no answer leaves.
    for (let count = 0; count < 20; count++) {
      peer.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
        if (error === null) peer.asyncWrite(socket, new Uint8Array(10 * READ_BYTES), () => undefined);
      });
    }
    network.run(() => counts.noRoom > 0);
    expect(counts.noRoom).to.be.above(0);
    expect(pal.stats().queuedBytes).to.be.within(1, 65_536);
    const ended = Promise.all([peer.stopEventLoop(), pal.stopEventLoop()]);
    await network.settle();
    await ended;
  });
});
