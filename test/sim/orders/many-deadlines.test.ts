/** What is due all at once is ended a part at a time: others have their turns in between. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { RawPeer } from '../support/raw-peer.ts';

const CALLS = 20_000;
/** What a turn of the loop handles at most (MAX_ITEMS_PER_TURN, and the batch that it begins with). */
const MOST_PER_TURN = 1024 + 128;
const TIMEOUT_MS = 50;

describe('thousands of calls that end at the same moment', () => {
  for (const way of ['deadlines', 'a signal', 'closing'] as const) {
    it(`are called back over many turns: ${way}`, async () => {
      const network = simulateNetwork({ seed: 1, plain: true, maxSteps: Infinity });
      const platform = network.platform({ keepAlive: true });
      const peer = new RawPeer(network, network.platform());
      const pal = createNetworkPal({ platform, strict: true });
      pal.initialize();
      const running = pal.runEventLoop();
      const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, () => undefined);
      network.run();
      let ended = 0;
      const controller = new AbortController();
      const options = way === 'deadlines' ? { timeout: TIMEOUT_MS } : { signal: controller.signal };
      for (let begun = 0; begun < CALLS; begun++) {
        pal.asyncRead(socket, new Uint8Array(1), 1, options, () => {
          ended++;
        });
      }
      if (way === 'a signal') controller.abort();
      else if (way === 'closing') pal.closeSocket(socket);
      else network.passTime();
      let others = 0;
      const other = (): void => {
        others++;
        if (ended < CALLS) platform.scheduler.soon(other);
      };
      platform.scheduler.soon(other);
      let most = 0;
      while (ended < CALLS) {
        const before = ended;
        if (!network.step()) throw new Error(`Nothing is left to happen, and ${CALLS - ended} calls still wait`);
        most = Math.max(most, ended - before);
      }
      expect(most, 'in one turn').to.be.within(1, MOST_PER_TURN);
      expect(others, 'turns of others meanwhile').to.be.at.least(CALLS / MOST_PER_TURN);
      void pal.stopEventLoop();
      await network.settle();
      await running;
    });
  }
});
