/**
 * Two threads take packets off the port in turns. Windows lets no more threads have packets than the port's concurrency value
 * says, and the waiter counts as running from its dequeue until it blocks: a poll that finds nothing meanwhile would mean
 * nothing, and a deadline would end a call whose packet has come.
 */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { firstChoice, simulateNetwork, type SimulatedNetwork } from '../../../src/sim/index.ts';
import { RawDatagramPeer } from '../support/raw-datagram-peer.ts';

const TIMEOUT_MS = 50;

/** Lets happen what can happen, but for these steps. */
function runWithout({ agenda }: SimulatedNetwork, ...kept: string[]): void {
  for (let place = 0; place < agenda.length; place++) {
    const step = agenda.at(place);
    if (step === undefined || kept.includes(step.what)) continue;
    agenda.remove(step);
    step.run();
    place = -1;
  }
}

describe('a port whose waiter is on its way to its next permit', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`gives its packets to the loop, so that a deadline comes behind them, ${profile}`, async () => {
      const network = simulateNetwork({ choices: firstChoice, plain: true });
      const platform = network.platform({ profile, keepAlive: true });
      const peer = new RawDatagramPeer(network.platform());
      const pal = createNetworkPal({ platform, strict: true });
      pal.initialize();
      const ended = pal.runEventLoop();
      const log: string[] = [];
      const [one, two] = [pal.createUdpSocket('127.0.0.1', 0), pal.createUdpSocket('127.0.0.1', 0)];
      pal.asyncReceiveFrom(one.handle, new Uint8Array(9), 9, (error, bytes) => log.push(error?.code ?? `one ${bytes}`));
      const timeout = TIMEOUT_MS;
      pal.asyncReceiveFrom(two.handle, new Uint8Array(9), 9, { timeout }, (error, bytes) =>
        log.push(error?.code ?? `two ${bytes}`),
      );
      runWithout(network);
      peer.send('a', one.port);
      runWithout(network, 'wake-up', 'waiter blocks');
      // The waiter has rung, and has not blocked since. The thread of the loop is busy until the deadline is over.
      peer.send('bc', two.port);
      runWithout(network, 'wake-up', 'waiter blocks', 'turn');
      expect(network.passTime(), 'the deadline is over').to.equal(true);
      runWithout(network, 'waiter blocks', 'turn');
      runWithout(network, 'waiter blocks');
      expect(log).to.deep.equal(['one 1', 'two 2']);
      void pal.stopEventLoop();
      await network.settle();
      await ended;
    });
  }
});
