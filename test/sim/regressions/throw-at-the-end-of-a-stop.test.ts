/**
 * A stop that never ended, because the last callback had thrown.
 *
 * What comes after a turn (the look whether a stop is done, and at watches that were parked) was left out when a callback
 * of the turn threw. With a poller thread another turn follows anyway. With the inline poller the loop went to wait for
 * a packet, and none was left to come: stopEventLoop() never resolved in a process that survives uncaught exceptions.
 */
import { expect } from 'chai';
import { createNetworkPal, type PollerKind } from '../../../src/index.ts';
import { simulateKernel } from '../../../src/sim/index.ts';

describe('a stop whose last callback throws', () => {
  for (const poller of ['worker', 'inline'] satisfies PollerKind[]) {
    it(`ends all the same (${poller})`, async () => {
      const kernel = simulateKernel({ seed: 0, keepAlive: true });
      const pal = createNetworkPal({ kernel, strict: true, maxOperations: 64, poller });
      pal.initialize();
      const ended = pal.runEventLoop();
      const server = pal.createServer('127.0.0.1', 0);
      pal.closeSocket(server.handle, () => {
        throw new Error('Thrown by the last callback');
      });
      let isOver = false;
      void pal.stopEventLoop().then(() => (isOver = true));
      expect(() => kernel.run()).to.throw('Thrown by the last callback');
      await kernel.settle();
      expect(isOver).to.equal(true);
      await ended;
    });
  }
});
