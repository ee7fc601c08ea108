/** A network that drives itself, from Node's own loop: it goes on for as long as it is asked to. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

/** Far fewer than the exchange takes. */
const MAX_STEPS = 20;
const ROUNDS = 30;

describe('a network that drives itself', () => {
  it('does not come to its end after so many steps', async () => {
    const network = simulateNetwork({ seed: 1, maxSteps: MAX_STEPS });
    const drive = network.drive();
    const pal = createNetworkPal({ platform: network.platform(), strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    let heard = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise<void>((resolve, reject) => {
        pal.asyncReceiveFrom(server.handle, new Uint8Array(4), 4, (error, bytes) => {
          heard += bytes;
          if (error === null) resolve();
          else reject(error);
        });
        pal.asyncSendTo(client.handle, new Uint8Array(4), server, () => undefined);
      });
    }
    expect(heard).to.equal(4 * ROUNDS);
    await pal.stopEventLoop();
    await ended;
    drive();
  });
});
