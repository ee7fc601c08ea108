/** A waiter thread that dies, at every moment at which it may: no packet is lost, no call, and the stop ends. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';
import { RawPeer } from '../support/raw-peer.ts';

const SEEDS = isLong ? 300 : 100;
const MESSAGES = 5;

describe('a waiter thread that dies', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`costs nothing, at any moment, ${profile}`, async () => {
      let deaths = 0;
      for (let seed = 0; seed < SEEDS; seed++) {
        const network = simulateNetwork({ seed, plain: true });
        const platform = network.platform({ profile, keepAlive: true, faults: { threads: 3 } });
        const peer = new RawPeer(network, network.platform());
        const pal = createNetworkPal({ platform, strict: true, skipCompletionPortOnSuccess: false, maxOperations: 16 });
        pal.initialize();
        const running = pal.runEventLoop();
        let text = '';
        const read = (): void => {
          const target = Buffer.alloc(10);
          pal.asyncRead(socket, target, 10, (error, bytes) => {
            if (error !== null) return;
            text += target.toString('latin1', 0, bytes);
            read();
          });
        };
        const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, read);
        for (let message = 0; message < MESSAGES; message++) {
          network.run();
          peer.send(String(message));
        }
        network.run();
        expect(text, `seed ${seed}`).to.equal('01234');
        deaths += platform.waitersLost;
        const stopped = pal.stopEventLoop();
        await network.settle();
        await stopped;
        await running;
        expectNothingLeft(platform, `seed ${seed}`);
      }
      expect(deaths, 'threads that died').to.be.above(SEEDS / 4);
      expect(deaths, 'not all of them').to.be.at.most(SEEDS);
    });
  }
});
