/**
 * A watch that was never told.
 *
 * What tryWrite has taken is queued like a write, so a watch may begin while it is there. But then it might also begin
 * while an asyncWrite waited behind it, which ends without a look at the watch: "writable" was never said.
 */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { RawPeer } from '../support/raw-peer.ts';

describe('a watch on a socket with an asyncWrite behind a tryWrite', () => {
  it('is refused, and may begin when the asyncWrite is done', async () => {
    const network = simulateNetwork({ seed: 0, plain: true });
    const sizes = { sendBufferSize: 4, receiveBufferSize: 4 };
    const platform = network.platform({ keepAlive: true, ...sizes });
    const peer = new RawPeer(network, network.platform(sizes));
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, () => undefined);
    network.run();
    // The buffers take the first bytes; of a socket that has been watched, the next ones are a send that waits for the peer.
    pal.watch(socket, { writable: true }, () => undefined);
    pal.unwatch(socket);
    expect(pal.tryWrite(socket, new Uint8Array(8))).to.equal(8);
    network.run();
    const log: string[] = [];
    const watch = (): void => {
      pal.watch(socket, { writable: true }, (_error, _readable, writable) => {
        log.push(`writable ${writable}`);
        pal.unwatch(socket);
      });
    };
    expect(pal.tryWrite(socket, new Uint8Array(20))).to.equal(20);
    watch();
    pal.unwatch(socket);
    pal.asyncWrite(socket, new Uint8Array(5), () => {
      log.push('written');
      watch();
    });
    expect(watch).to.throw().with.property('code', 'ERR_MIXED_APIS');
    network.run();
    peer.drain();
    network.run();
    expect(log).to.deep.equal(['written', 'writable true']);
    void pal.stopEventLoop();
    await network.settle();
    await ended;
  });
});
