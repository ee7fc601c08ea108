/** Where the simulated network has nobody: addresses that never answer, and addresses that a router says are unreachable. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulatePlatform, type ProfileName, type SimulatedPlatform } from '../../../src/sim/index.ts';

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly stop: () => Promise<void>;
}

function start(profile: ProfileName): Bench {
  const platform = simulatePlatform({ seed: 0, profile, keepAlive: true });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const stop = async (): Promise<void> => {
    void pal.stopEventLoop();
    await platform.settle();
    await ended;
  };
  return { platform, pal, stop };
}

const CONNECTS = [
  ['192.0.2.1', 'ETIMEDOUT'],
  ['198.51.100.1', 'EHOSTUNREACH'],
  ['::ffff:192.0.2.1', 'ETIMEDOUT'],
  ['::ffff:198.51.100.1', 'EHOSTUNREACH'],
  ['2001:db8:1::1', 'ETIMEDOUT'],
  ['2001:db8:2::1', 'EHOSTUNREACH'],
] as const;

for (const profile of ['windows', 'wine'] as const) {
  describe(`the routes of a simulated network, ${profile}`, () => {
    for (const [address, code] of CONNECTS) {
      it(`a connection to ${address} ends with ${code}`, async () => {
        const { platform, pal, stop } = start(profile);
        const log: string[] = [];
        pal.asyncConnect(address, 80, {}, (error) => log.push(error?.code ?? 'connected'));
        await platform.settle();
        expect(log).to.deep.equal([code]);
        await stop();
      });
    }

    for (const [address, reports] of [
      ['192.0.2.1', 0],
      ['127.0.0.1', 1],
    ] as const) {
      it(`a datagram to ${address}, where nobody is, is answered ${reports} times`, async () => {
        const { platform, pal, stop } = start(profile);
        const { handle } = pal.createUdpSocket('0.0.0.0', 0, { reportUnreachable: true });
        pal.connectUdp(handle, address, 9);
        pal.asyncReceiveFrom(handle, new Uint8Array(8), 8, () => undefined);
        const log: string[] = [];
        pal.asyncSendTo(handle, new Uint8Array(1), null, (error) => log.push(error?.code ?? 'sent'));
        await platform.settle();
        expect(log).to.deep.equal(['sent']);
        expect(pal.stats().unreachableReports).to.equal(reports);
        await stop();
      });
    }
  });
}
