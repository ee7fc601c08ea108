/** initialize() left its completion port open, and its mailbox allocated, when the poller thread could not be started. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateKernel } from '../../../src/sim/index.ts';

describe('initialize when no thread can be started', () => {
  it('throws, leaves nothing behind, and works when it is called again', async () => {
    const kernel = simulateKernel({ seed: 0, keepAlive: true });
    const createWaiter = kernel.createWaiter.bind(kernel);
    kernel.createWaiter = () => {
      throw new Error('No more threads');
    };
    const pal = createNetworkPal({ kernel, strict: true, maxOperations: 64 });
    const before = kernel.memory.regions;
    expect(() => pal.initialize()).to.throw('No more threads');
    expect([kernel.openHandles, kernel.memory.regions]).to.deep.equal([0, before]);
    kernel.createWaiter = createWaiter;
    pal.initialize();
    void pal.stopEventLoop();
    await kernel.settle();
    expect([kernel.openHandles, kernel.memory.regions]).to.deep.equal([0, before]);
  });
});
