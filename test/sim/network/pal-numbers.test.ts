/** What handles of simulated PALs are: the same from the same seed, and foreign to every other PAL of the network. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulatePlatform, simulateNetwork, type SimulatedPlatform } from '../../../src/sim/index.ts';
import { nextPalNumber } from '../../../src/util/pal-number.ts';
import { thrownBy } from '../../support/errors.ts';

function start(platform: SimulatedPlatform): NetworkPal {
  const pal = createNetworkPal({ platform, maxOperations: 64 });
  pal.initialize();
  return pal;
}

/** Everything that carries a PAL's number, as it comes out of a run of two PALs. */
async function numbersOf(seed: number): Promise<number[]> {
  const network = simulateNetwork({ seed });
  const numbers: number[] = [];
  for (const pal of [start(network.platform()), start(network.platform())]) {
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const read = pal.asyncReceiveFrom(handle, new Uint8Array(8), 8, () => undefined);
    const post = pal.onRemotePost(() => undefined);
    numbers.push(handle, read, post);
    void pal.runEventLoop();
    void pal.stopEventLoop();
  }
  await network.settle();
  return numbers;
}

/** Names a PAL has given out are refused by the other one. */
function expectStrangers(one: NetworkPal, other: NetworkPal, what: string): void {
  for (const [giver, taker] of [
    [one, other],
    [other, one],
  ] as const) {
    const { handle } = giver.createServer('127.0.0.1', 0);
    expect(thrownBy(() => taker.getLocalPort(handle)).code, what).to.equal('ERR_FOREIGN_HANDLE');
    const post = giver.onRemotePost(() => undefined);
    expect(thrownBy(() => taker.offRemotePost(post)).code, what).to.equal('ERR_FOREIGN_HANDLE');
  }
}

describe('numbers of simulated PALs', () => {
  it('come from the seed, whichever PALs the process has made before', async () => {
    for (const seed of [0, 1, 4711, -5, 2 ** 31]) {
      const first = await numbersOf(seed);
      createNetworkPal();
      await numbersOf(seed + 1);
      expect(await numbersOf(seed), `seed ${seed}`).to.deep.equal(first);
    }
  });

  it('tell the PALs of one network apart, of one process and of several', () => {
    const network = simulateNetwork();
    const platform = network.platform();
    const pals = [start(platform), start(platform), start(network.platform())];
    for (const one of pals) {
      for (const other of pals) if (one !== other) expectStrangers(one, other, 'one network');
    }
  });

  it('tell networks of different seeds apart', () => {
    const pals = Array.from({ length: 8 }, (_, seed) => start(simulatePlatform({ seed })));
    for (const one of pals) {
      for (const other of pals) if (one !== other) expectStrangers(one, other, 'different seeds');
    }
  });

  it('are not counted with the PALs of the thread', () => {
    const before = nextPalNumber();
    start(simulatePlatform());
    expect(nextPalNumber()).to.equal((before + 1) % 8192);
  });
});
