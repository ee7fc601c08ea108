/** A disconnect on the side that has ended its connection first rests in TIME_WAIT, on the simulated Windows. */
import { expect } from 'chai';
import { simulateNetwork, type ProfileName } from '../../../src/sim/index.ts';
import { RawPeer } from '../support/raw-peer.ts';

const PORT = 5000;
const MINUTES = 120_000;

/** Milliseconds that a disconnect takes on the side which `first` tells of, or on both. */
function disconnected(profile: ProfileName, seed: number, first: 'peer' | 'own' | 'both'): number {
  const network = simulateNetwork({ seed });
  const own = new RawPeer(network, network.platform({ profile }), 4, PORT);
  const peer = new RawPeer(network, network.platform({ profile }));
  peer.connect(PORT);
  network.run(() => own.isConnected);
  const start = network.clock.now;
  let took = -1;
  const disconnect = (): void => own.end.disconnect(() => (took = network.clock.now - start));
  if (first !== 'peer') disconnect();
  if (first === 'own') network.run(() => own.end.finDelivered);
  peer.fin();
  if (first === 'peer') network.run(() => own.end.ended);
  if (first === 'peer') disconnect();
  network.run(() => took >= 0);
  return took;
}

describe('TIME_WAIT in the simulation', () => {
  const cases = [
    { profile: 'windows', first: 'peer', ms: 0 },
    { profile: 'windows', first: 'own', ms: MINUTES },
    { profile: 'windows', first: 'both', ms: MINUTES },
    { profile: 'wine', first: 'own', ms: 0 },
  ] as const;
  for (const { profile, first, ms } of cases) {
    it(`keeps a disconnect for ${ms} ms on ${profile} when ${first} ended first`, () => {
      for (let seed = 0; seed < 20; seed++) {
        expect(disconnected(profile, seed, first), `seed ${seed}`).to.equal(ms);
      }
    });
  }
});
