/** Callbacks that make the next call whatever the error of the last was: a stop must end all the same, and say who it was. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkError, type NetworkPal } from '../../src/index.ts';
import { simulateNetwork } from '../../src/sim/index.ts';
import { expectNothingLeft } from './support/nothing-left.ts';

const LOOPS: Readonly<Record<string, (pal: NetworkPal) => void>> = {
  accept: (pal) => {
    const server = pal.createServer('127.0.0.1', 0);
    const accept = (): void => void pal.asyncAccept(server.handle, accept);
    accept();
  },
  receive: (pal) => {
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const receive = (): void => void pal.asyncReceiveFrom(socket.handle, new Uint8Array(1), 1, receive);
    receive();
  },
};

describe('a callback that goes on for ever while the loop stops', () => {
  for (const [call, begin] of Object.entries(LOOPS)) {
    it(`is told so by a throw, and the stop ends: ${call}`, async () => {
      const network = simulateNetwork({ seed: 1 });
      const kernel = network.kernel({ keepAlive: true });
      const pal = createNetworkPal({ kernel, strict: true });
      pal.initialize();
      const ended = pal.runEventLoop();
      begin(pal);
      network.run();
      void pal.stopEventLoop();
      const thrown: NetworkError[] = [];
      while (pal.isRunning()) {
        try {
          await network.settle(() => !pal.isRunning());
        } catch (error) {
          thrown.push(error as NetworkError);
          expect(thrown, 'throws').to.have.length.below(3);
        }
      }
      await ended;
      expect(thrown.map(({ code }) => code)).to.deep.equal(['ERR_EVENT_LOOP_STOPPED']);
      expect(thrown[0]?.message).to.match(new RegExp(`^Cannot ${call} again and again: .* gets an error$`));
      expectNothingLeft(kernel);
    });
  }

  it('is not met by a thousand callbacks that go on once', async () => {
    const network = simulateNetwork({ seed: 1 });
    const pal = createNetworkPal({ kernel: network.kernel({ keepAlive: true }), strict: true });
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
