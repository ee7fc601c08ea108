/** How many connections wait for a server that does not look, as Microsoft's listen page and Linux' listen(2) have it. */
import { expect } from 'chai';
import { SOMAXCONN } from '../../../ffi/constants.ts';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulateNetwork, type ProfileName } from '../../../src/sim/index.ts';
import { backlogLimit } from '../../../src/sim/kernel/backlog.ts';
import { PROFILES } from '../../../src/sim/machine/profile.ts';

for (const [profile, rows] of Object.entries({
  windows: [
    [-1, 200],
    [-511, 511],
    [-100_000, 65_535],
    [0, 1],
    [1, 1],
    [200, 200],
    [511, 200],
    [SOMAXCONN, 200],
  ],
  wine: [
    [-511, 4097],
    [1, 2],
    [511, 512],
    [SOMAXCONN, 4097],
  ],
}) as [ProfileName, [number, number][]][]) {
  describe(`the simulated listen(), ${profile}`, () => {
    for (const [backlog, limit] of rows) {
      it(`makes ${limit} of ${backlog}`, () => {
        expect(backlogLimit(PROFILES[profile], backlog)).to.equal(limit);
      });
    }
  });
}

/** What becomes of clients that all connect in one turn, to a server that looks only once all of them have their answer. */
async function connectAtOnce(
  clients: number,
  listen = (backlog: number): number => backlog,
): Promise<Record<string, number>> {
  const network = simulateNetwork({ seed: 1 });
  const pals = [0, 1].map(() => {
    const platform = network.platform({ profile: 'windows', keepAlive: true });
    const { ws2_32 } = platform;
    const original = ws2_32.listen.bind(ws2_32);
    ws2_32.listen = (socket, backlog) => original(socket, listen(backlog));
    const pal = createNetworkPal({ platform, strict: true });
    pal.initialize();
    return pal;
  });
  const [serving, connecting] = pals as [NetworkPal, NetworkPal];
  const outcomes: Record<string, number> = {};
  const count = (outcome: string): void => void (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1);
  const server = serving.createServer('127.0.0.1', 0);
  const take = (): void =>
    void serving.asyncAccept(server.handle, (error) => {
      if (error !== null) return;
      count('accepted');
      take();
    });
  take();
  for (let client = 0; client < clients; client++) {
    connecting.asyncConnect('127.0.0.1', server.port, {}, (error) => {
      count(error?.code ?? 'connected');
    });
  }
  const ended = [connecting.runEventLoop()];
  await network.settle();
  expect(outcomes['accepted'], 'the server has not looked yet').to.equal(undefined);
  ended.push(serving.runEventLoop());
  await network.settle();
  for (const pal of pals) void pal.stopEventLoop();
  await network.settle();
  await Promise.all(ended);
  return outcomes;
}

describe('1000 clients that connect in one turn, on simulated Windows', () => {
  it('all get in, although the server does not look meanwhile', async () => {
    expect(await connectAtOnce(1000)).to.deep.equal({ connected: 1000, accepted: 1000 });
  });

  it('are refused beyond 200 and the posted accepts, were the backlog told plainly: the simulation knows', async () => {
    const outcomes = await connectAtOnce(1000, Math.abs);
    expect(outcomes).to.deep.equal({ connected: 232, accepted: 232, ECONNREFUSED: 768 });
  });
});
