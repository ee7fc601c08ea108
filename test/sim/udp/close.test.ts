/** Closing a UDP socket whose sends the system does not take in time: its grace ends, and everybody is answered. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const SENDS = 40;
const SEEDS = isLong ? 60 : 20;

describe('closing a UDP socket with sends under way', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`waits for them as long as its grace, ${profile}`, async () => {
      let sent = 0;
      let droppedInKernel = 0;
      let droppedInQueue = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        // Impatient: the grace may end before the system has taken anything.
        const network = simulateNetwork({ seed, impatient: true });
        const platform = network.platform({ profile, keepAlive: true });
        const pal = createNetworkPal({ platform, strict: true, maxOperations: 256, closeGraceMs: 1 });
        pal.initialize();
        const ended = pal.runEventLoop();
        const server = pal.createUdpSocket('127.0.0.1', 0);
        const { handle } = pal.createUdpSocket('127.0.0.1', 0, { sendBufferSize: 2000 });
        const log: string[] = [];
        for (let number = 0; number < SENDS; number++) {
          pal.asyncSendTo(handle, new Uint8Array(1000), server, (error) => {
            if (error === null) sent++;
            else if (number < 16) droppedInKernel++;
            else droppedInQueue++;
            log.push(error?.code ?? 'sent');
          });
        }
        pal.closeSocket(handle, () => log.push('closed'));
        network.run();
        expect(log, `seed ${seed}`).to.have.lengthOf(SENDS + 1);
        expect(log.at(-1), `seed ${seed}`).to.equal('closed');
        expect(new Set(log), `seed ${seed}`).to.satisfy((codes: Set<string>) =>
          [...codes].every((code) => ['sent', 'ECANCELED', 'closed'].includes(code)),
        );
        void pal.stopEventLoop();
        await network.settle();
        await ended;
        expectNothingLeft(platform);
      }
      // All three happen.
      for (const count of [sent, droppedInKernel, droppedInQueue]) expect(count).to.be.above(0);
    });
  }
});
