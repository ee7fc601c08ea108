/** A close whose grace ends while its thread was busy: what the system has done meanwhile is heard first. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { RawDatagramPeer } from '../support/raw-datagram-peer.ts';
import { RawPeer } from '../support/raw-peer.ts';

describe('a close whose thread was busy until its grace was over', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`resets nothing that the system had taken in time, ${profile}`, async () => {
      const network = simulateNetwork({ seed: 0, plain: true });
      const platform = network.platform({ profile, keepAlive: true });
      const peer = new RawPeer(network, network.platform());
      const pal = createNetworkPal({ platform, strict: true, closeGraceMs: 100, skipCompletionPortOnSuccess: false });
      pal.initialize();
      const ended = pal.runEventLoop();
      const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, (error) => {
        if (error !== null) throw error;
      });
      network.run();
      const log: string[] = [];
      pal.asyncWrite(socket, new Uint8Array(500), (error, bytes) => log.push(`${error?.code ?? 'ok'} ${bytes}`));
      pal.closeSocket(socket, () => log.push('closed'));
      // The waiter has the packet of the write, and cannot tell anybody.
      const { agenda } = network;
      const steps = (): unknown[] => Array.from({ length: agenda.length }, (_, place) => agenda.at(place)?.what);
      network.run(() => steps().includes('wake-up'));
      expect(steps()).to.include('wake-up');
      expect(network.passTime(), 'the grace is over').to.equal(true);
      network.run();
      expect(log).to.deep.equal(['ok 500', 'closed']);
      expect([peer.end.in.length, peer.end.broken]).to.deep.equal([500, 0]);
      void pal.stopEventLoop();
      await network.settle();
      await ended;
    });

    it(`drops no datagram behind those that the system had taken, ${profile}`, async () => {
      const network = simulateNetwork({ seed: 0, plain: true });
      const platform = network.platform({ profile, keepAlive: true });
      const peer = new RawDatagramPeer(network.platform());
      const pal = createNetworkPal({ platform, strict: true, closeGraceMs: 100 });
      pal.initialize();
      const ended = pal.runEventLoop();
      const { handle } = pal.createUdpSocket('127.0.0.1', 0);
      const log: string[] = [];
      for (let number = 0; number < 16; number++)
        pal.asyncSendTo(handle, Uint8Array.of(number), peer, (error) => log.push(error?.code ?? 'sent'));
      pal.asyncSendTo(handle, Uint8Array.of(16), peer, (error) => log.push(error?.code ?? 'sent'));
      pal.closeSocket(handle, () => log.push('closed'));
      expect(network.passTime(), 'the grace is over').to.equal(true);
      network.run();
      expect(log).to.deep.equal([...new Array<string>(17).fill('sent'), 'closed']);
      void pal.stopEventLoop();
      await network.settle();
      await ended;
    });
  }
});
