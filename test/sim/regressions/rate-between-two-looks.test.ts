/**
 * A server whose acceptRate is used up posts no accept and sets a timer. It looked at the clock twice for that: if the rate
 * left no room at the first look and some at the second, it did neither, and took no connection any more.
 */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

const RATE = 10;
const CONNECTIONS = RATE + 5;

describe('acceptRate, when time passes between two looks at the clock', () => {
  it('takes every connection, whenever the rate leaves room again', async () => {
    // Each look at the clock is so much later than the one before. The first that leaves room falls on another one each time.
    for (let step = 1; step <= 40; step++) {
      const network = simulateNetwork({ seed: step });
      const platform = network.platform();
      const { scheduler } = platform;
      let looks = 0;
      const passing = {
        soon: scheduler.soon.bind(scheduler),
        setTimer: scheduler.setTimer.bind(scheduler),
        clearTimer: scheduler.clearTimer.bind(scheduler),
        now: () => scheduler.now() + (looks++ * step) / 7,
      };
      Object.defineProperty(platform, 'scheduler', { value: passing });
      const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
      pal.initialize();
      const ended = pal.runEventLoop();
      const server = pal.createServer('127.0.0.1', 0, { acceptRate: RATE });
      let taken = 0;
      const next = (): void =>
        void pal.asyncAccept(server.handle, (error) => {
          if (error !== null) return;
          taken++;
          next();
        });
      next();
      for (let made = 0; made < CONNECTIONS; made++) pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
      await platform.settle(() => taken === CONNECTIONS);
      expect(taken, `step ${step}`).to.equal(CONNECTIONS);
      const stopped = pal.stopEventLoop();
      await platform.settle();
      await Promise.all([ended, stopped]);
    }
  });
});
