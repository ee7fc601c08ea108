/**
 * A pinned buffer went back to the system while the kernel still sent from it.
 *
 * resetSocket() answers the queued writes at once, and gives their requests back; the send that is under way comes back later,
 * by its packet. Only the requests had kept the user's pinned buffers reachable: one that was garbage by then was freed under
 * the kernel.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { RawPeer } from '../support/raw-peer.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('a pinned buffer whose write was dropped by a reset', () => {
  it('is kept until the packet of the send has come, and no longer', async () => {
    const network = simulateNetwork({ seed: 0, plain: true });
    const sizes = { sendBufferSize: 4, receiveBufferSize: 4 };
    const platform = network.platform({ keepAlive: true, ...sizes });
    const peer = new RawPeer(network, network.platform(sizes));
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, () => undefined);
    network.run();
    pal.asyncWrite(socket, new Uint8Array(8), () => undefined);
    network.run();
    // Both buffers are full. (Of a pinned buffer the simulated memory itself knows the ArrayBuffer: its views tell.)
    const views = [8, 40].map((size, index) => {
      const view = pal.allocateBuffer(size).subarray(0, size - 1);
      pal.asyncWrite(socket, index === 0 ? view : [new Uint8Array(3), view], (error) =>
        log.push(error?.code ?? 'written'),
      );
      return new WeakRef(view);
    });
    const log: string[] = [];
    network.run();
    pal.resetSocket(socket);
    platform.run(() => log.length === 2);
    expect(log).to.deep.equal(['ECANCELED', 'ECANCELED']);
    expect([...platform.ledger].map(({ kind }) => kind)).to.include('WSASend');
    await turn();
    collect();
    expect(views.map((view) => view.deref() !== undefined)).to.deep.equal([true, true]);
    platform.run();
    await turn();
    collect();
    expect(views.map((view) => view.deref() === undefined)).to.deep.equal([true, true]);
    void pal.stopEventLoop();
    await network.settle();
    await ended;
  });
});
