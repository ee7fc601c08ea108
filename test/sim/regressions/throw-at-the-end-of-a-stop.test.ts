/**
 * A stop that never ended, because the last callback had thrown.
 *
 * What comes after a turn (the look whether a stop is done, and at watches that were waiting for capacity) was left out when a callback
 * of the turn threw. With a waiter thread another turn follows anyway. With the inline waiter the loop went to wait for
 * a packet, and none was left to come: stopEventLoop() never resolved in a process that survives uncaught exceptions.
 */
import { expect } from 'chai';
import { createNetworkPal, type WaiterKind } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

describe('a stop whose last callback throws', () => {
  for (const waiter of ['worker', 'inline'] satisfies WaiterKind[]) {
    it(`ends all the same (${waiter})`, async () => {
      const platform = simulatePlatform({ seed: 0, keepAlive: true });
      const pal = createNetworkPal({ platform, strict: true, maxOperations: 64, waiter });
      pal.initialize();
      const ended = pal.runEventLoop();
      const server = pal.createServer('127.0.0.1', 0);
      pal.closeSocket(server.handle, () => {
        throw new Error('Thrown by the last callback');
      });
      let isOver = false;
      void pal.stopEventLoop().then(() => (isOver = true));
      expect(() => platform.run()).to.throw('Thrown by the last callback');
      await platform.settle();
      expect(isOver).to.equal(true);
      await ended;
    });
  }
});
