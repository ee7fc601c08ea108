/** Callbacks that make the next call whatever the error of the last was: a stop must end all the same. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkError, type NetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

type Again = (error: NetworkError | null) => void;

const LOOPS: Readonly<Record<string, (pal: NetworkPal, heard: Again) => void>> = {
  accept: (pal, heard) => {
    const server = pal.createServer('127.0.0.1', 0);
    const accept = (): void => {
      pal.asyncAccept(server.handle, (error) => {
        heard(error);
        accept();
      });
    };
    accept();
  },
  receive: (pal, heard) => {
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const receive = (): void => {
      pal.asyncReceiveFrom(socket.handle, new Uint8Array(1), 1, (error) => {
        heard(error);
        receive();
      });
    };
    receive();
  },
  connect: (pal, heard) => {
    const connect = (): void => {
      pal.asyncConnect('127.0.0.1', 9, {}, (error) => {
        heard(error);
        connect();
      });
    };
    connect();
  },
  close: (pal, heard) => {
    const { handle } = pal.createServer('127.0.0.1', 0);
    const close = (): void => {
      pal.closeSocket(handle, () => {
        heard(null);
        close();
      });
    };
    pal.asyncAccept(handle, close);
  },
};

describe('a callback that goes on for ever while the loop stops', () => {
  for (const [call, begin] of Object.entries(LOOPS)) {
    it(`is answered later and later, and the stop ends: ${call}`, async () => {
      const network = simulateNetwork({ seed: 1 });
      const platform = network.platform({ keepAlive: true });
      const pal = createNetworkPal({ platform, strict: true });
      pal.initialize();
      const ended = pal.runEventLoop();
      let stopping = false;
      const times: number[] = [];
      begin(pal, (error) => {
        if (!stopping) return;
        times.push(platform.scheduler.now());
        if (error !== null && call !== 'connect') expect(error.code).to.equal('ECANCELED');
      });
      // (A connect that is refused takes half a second of simulated time.)
      await network.settle(() => true);
      stopping = true;
      void pal.stopEventLoop();
      await network.settle(() => !pal.isRunning());
      await ended;
      expectNothingLeft(platform);
      const atTheEnd = times.length;
      expect(atTheEnd, 'answers at once').to.be.above(999);
      // The calls go on being answered, each with one callback, and rarely.
      await network.settle(() => times.length >= atTheEnd + 20);
      const gaps = times.slice(-8).map((time, index, all) => time - (all[index - 1] ?? time - 1000));
      for (const gap of gaps) expect(gap).to.be.at.least(1000);
    });
  }

  it('is not met by a thousand callbacks that go on once', async () => {
    const network = simulateNetwork({ seed: 1 });
    const pal = createNetworkPal({ platform: network.platform({ keepAlive: true }), strict: true });
    pal.initialize();
    const server = pal.createServer('127.0.0.1', 0);
    let answers = 0;
    const again = (): void => void pal.asyncAccept(server.handle, () => answers++);
    for (let left = 1000; left > 0; left--) pal.asyncAccept(server.handle, again);
    const ended = pal.runEventLoop();
    network.run();
    void pal.stopEventLoop();
    await network.settle(() => !pal.isRunning());
    await ended;
    expect(answers).to.equal(1000);
  });
});
