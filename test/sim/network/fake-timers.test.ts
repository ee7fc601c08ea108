/** The simulation, driven by Node's own loop, goes on under a test runner's fake timers too: that is where it is used. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { freezeTimers } from '../../support/frozen-timers.ts';
import { lifeOfAPal, WHOLE_LIFE } from '../../support/life-of-a-pal.ts';

describe('fake timers, simulated', () => {
  for (const waiter of ['worker', 'inline'] as const) {
    it(`do not stop the loop [${waiter}]`, async () => {
      const network = simulateNetwork({ seed: 1 });
      const platform = network.platform();
      const thaw = freezeTimers();
      const end = network.drive();
      try {
        expect(await lifeOfAPal(createNetworkPal({ platform, waiter, strict: true }))).to.deep.equal(WHOLE_LIFE);
      } finally {
        end();
        thaw();
      }
    });
  }
});
