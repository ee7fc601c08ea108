/** runEventLoop() was forgotten: nothing calls back, and one warning says why. */
import { expect } from 'chai';
import process from 'node:process';
import { createNetworkPal, type NetworkPal } from '../../src/index.ts';
import { simulateNetwork, type SimulatedNetwork } from '../../src/sim/index.ts';

const CODE = 'IOCP_PAL_LOOP_NOT_RUNNING';
/** Longer than the time between two looks. */
const A_WHILE_MS = 5000;

describe('the warning of a loop that was never run', () => {
  let warnings: (string | undefined)[] = [];
  const hear = (warning: Error & { code?: string }): void => void warnings.push(warning.code);
  beforeEach(() => {
    warnings = [];
    process.on('warning', hear);
  });
  afterEach(() => process.off('warning', hear));

  function open(): { network: SimulatedNetwork; pal: NetworkPal } {
    const network = simulateNetwork({ seed: 0, plain: true });
    const pal = createNetworkPal({ platform: network.platform({ keepAlive: true }) });
    pal.initialize();
    return { network, pal };
  }

  /** Something that waits to be called back. */
  function ask(pal: NetworkPal): void {
    const { handle } = pal.createServer('127.0.0.1', 0);
    pal.closeSocket(handle, () => undefined);
  }

  /** Lets simulated time pass, and Node.js hand out its warnings. */
  async function pass(network: SimulatedNetwork): Promise<void> {
    const end = network.clock.now + A_WHILE_MS;
    network.run();
    while (network.clock.now < end && network.passTime()) network.run();
    await new Promise(setImmediate);
  }

  async function stop(network: SimulatedNetwork, pal: NetworkPal): Promise<void> {
    const stopped = pal.stopEventLoop();
    await network.settle();
    await stopped;
  }

  it('comes once when a callback is due', async () => {
    const { network, pal } = open();
    ask(pal);
    await pass(network);
    expect(warnings).to.deep.equal([CODE]);
    ask(pal);
    await pass(network);
    expect(warnings).to.deep.equal([CODE]);
    await stop(network, pal);
  });

  it('does not come while nothing is due', async () => {
    const { network, pal } = open();
    pal.createServer('127.0.0.1', 0);
    await pass(network);
    expect(warnings).to.deep.equal([]);
    await stop(network, pal);
  });

  it('does not come when the loop is run in the same turn, or stopped', async () => {
    const { network, pal } = open();
    ask(pal);
    const ended = pal.runEventLoop();
    await pass(network);
    await stop(network, pal);
    await ended;
    await pass(network);
    expect(warnings).to.deep.equal([]);
  });
});
