/** Datagrams that the system cuts, in every way that it may tell so: each ends one receive, once, and the next one is whole. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const SEEDS = isLong ? 60 : 20;

describe('datagrams that are cut by the system', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`end one receive each, ${profile}`, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const network = simulateNetwork({ seed });
        const platform = network.platform({ profile, keepAlive: true });
        const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
        pal.initialize();
        const ended = pal.runEventLoop();
        const socket = pal.createUdpSocket('127.0.0.1', 0, { maxDatagramSize: 100, receiveDepth: 2 });
        const lengths = [99, 150, 100, 5000, 101, 1, 300, 100];
        const received: [number, number][] = [];
        const receive = (): void => {
          pal.asyncReceiveFrom(socket.handle, Buffer.alloc(200), 200, (error, bytes, _peer, size) => {
            if (error === null) received.push([bytes, size]);
          });
        };
        // Half of them are there before the first receive is posted.
        for (const [index, length] of lengths.entries()) {
          if (index === lengths.length / 2) for (let left = lengths.length; left > 0; left--) receive();
          pal.asyncSendTo(socket.handle, new Uint8Array(length), socket, () => undefined);
          network.run();
        }
        const whole = lengths.map((length) => [Math.min(length, 100), length > 100 ? Infinity : length]);
        expect(received, `seed ${seed}`).to.deep.equal(whole);
        void pal.stopEventLoop();
        await network.settle();
        await ended;
        expectNothingLeft(platform);
      }
    });
  }
});
