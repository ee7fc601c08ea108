/** Callbacks of receives that throw, while packets overtake one another: each datagram is still handed out, once and in order. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';

const DATAGRAMS = 8;
const SEEDS = isLong ? 60 : 20;

describe('receives whose callbacks throw', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`cost nobody else a datagram, ${profile}`, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const network = simulateNetwork({ seed });
        const platform = network.platform({ profile, keepAlive: true });
        const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
        pal.initialize();
        const ended = pal.runEventLoop();
        const socket = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: seed % 2 === 0 ? 4 : 1 });
        const received: number[] = [];
        const buffer = new Uint8Array(1);
        for (let left = DATAGRAMS; left > 0; left--) {
          pal.asyncReceiveFrom(socket.handle, buffer, 1, () => {
            received.push(buffer[0] ?? -1);
            throw new Error('on purpose');
          });
        }
        for (let number = 0; number < DATAGRAMS; number++) {
          pal.asyncSendTo(socket.handle, Uint8Array.of(number), socket, () => undefined);
        }
        let thrown = 0;
        for (let done = false; !done;) {
          try {
            network.run();
            done = true;
          } catch (error) {
            if ((error as Error).message !== 'on purpose') throw error;
            thrown++;
          }
        }
        expect(received, `seed ${seed}`).to.deep.equal(Array.from({ length: DATAGRAMS }, (_, number) => number));
        expect(thrown, `seed ${seed}`).to.equal(DATAGRAMS);
        void pal.stopEventLoop();
        await network.settle();
        await ended;
      }
    });
  }
});
