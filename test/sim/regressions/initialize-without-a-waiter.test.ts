/** initialize() left its completion port open, and its batch allocated, when the waiter thread could not be started. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

describe('initialize when no thread can be started', () => {
  it('throws, leaves nothing behind, and works when it is called again', async () => {
    const platform = simulatePlatform({ seed: 0, keepAlive: true });
    const createWaiter = platform.createWaiter.bind(platform);
    platform.createWaiter = () => {
      throw new Error('No more threads');
    };
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    const before = platform.memory.regions;
    expect(() => pal.initialize()).to.throw('No more threads');
    expect([platform.openHandles, platform.memory.regions]).to.deep.equal([0, before]);
    platform.createWaiter = createWaiter;
    pal.initialize();
    void pal.stopEventLoop();
    await platform.settle();
    expect([platform.openHandles, platform.memory.regions]).to.deep.equal([0, before]);
  });
});
