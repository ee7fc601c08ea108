/** describePals and describeOnSignal, with PALs on a simulated network, and with a signal that is really sent where there are any. */
import process from 'node:process';
import { expect } from 'chai';
import { createNetworkPal, describeOnSignal, describePals, type NetworkPal } from '../../src/index.ts';
import { simulateNetwork, type SimulatedNetwork } from '../../src/sim/index.ts';
import { thrownBy } from '../support/errors.ts';

describe('describePals', () => {
  let network: SimulatedNetwork;
  beforeEach(() => (network = simulateNetwork({ seed: 1 })));

  /** A PAL with a server at this port. */
  function begin(port: number): NetworkPal {
    const pal = createNetworkPal({ platform: network.platform() });
    pal.initialize();
    pal.createServer('127.0.0.1', port);
    return pal;
  }

  async function stop(pal: NetworkPal): Promise<void> {
    const stopped = pal.stopEventLoop();
    await network.settle();
    await stopped;
  }

  it('has every PAL that is open, and none that was not begun or has stopped', async () => {
    const closed = createNetworkPal({ platform: network.platform() });
    const listed = (): number => describePals().match(/^PAL \d+:/gm)?.length ?? 0;
    const before = listed(); // those of other tests
    const [first, second] = [begin(7001), begin(7002)];
    expect(describePals()).to.match(/^PAL \d+: 1 sockets.*\n.*port 7001[^]*\nPAL \d+: 1 sockets.*\n.*port 7002/m);
    expect(listed()).to.equal(before + 2);
    await stop(first);
    expect(describePals()).to.include('port 7002');
    expect(listed()).to.equal(before + 1);
    await stop(second);
    expect(listed()).to.equal(before);
    expect(() => closed.describe()).to.throw();
  });

  describe('on a signal', () => {
    let printed: string[];
    let pal: NetworkPal;
    beforeEach(() => {
      printed = [];
      pal = begin(7003);
    });
    afterEach(() => stop(pal));

    it('is printed each time, until that is undone', async function () {
      if (process.platform === 'win32') return this.skip(); // no process can send itself a signal there
      const heard = (): Promise<void> => new Promise((resolve) => process.once('SIGUSR2', () => resolve()));
      const undo = describeOnSignal({ print: (text) => printed.push(text) });
      for (let times = 1; times <= 2; times++) {
        const once = heard();
        process.kill(process.pid, 'SIGUSR2');
        await once;
        expect(printed).to.have.lengthOf(times);
      }
      expect(printed[0]).to.match(/^iocp-pal has open:\n[^]*port 7003/);
      const once = heard();
      undo();
      process.kill(process.pid, 'SIGUSR2');
      await once;
      expect(printed).to.have.lengthOf(2);
    });

    it('may be any event of the process', () => {
      const undo = describeOnSignal({ signal: 'a stuck server', print: (text) => printed.push(text) });
      process.emit('a stuck server' as never);
      undo();
      expect(printed.join()).to.include('port 7003');
    });

    it('refuses what is none', () => {
      for (const options of [{ signal: 7 }, { print: 'text' }, 7]) {
        expect(thrownBy(() => describeOnSignal(options as never))).to.include({ code: 'ERR_INVALID_ARG_TYPE' });
      }
      expect(process.listenerCount('SIGUSR2')).to.equal(0);
    });
  });
});
