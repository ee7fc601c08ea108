/** How many connections a machine can have to elsewhere: a small range of dynamic ports, and who may share them. */
import { expect } from 'chai';
import { createNetworkPal, NetworkErrorCode, type NetworkError, type NetworkPal } from '../../../src/index.ts';
import { simulateNetwork, type ProfileName, type SimulatedNetwork } from '../../../src/sim/index.ts';

const PORTS = 4;

interface Bench {
  readonly network: SimulatedNetwork;
  readonly pal: NetworkPal;
  /** Connects, and returns what came of it. */
  readonly connect: (port: number, address?: string) => Promise<NetworkError | null>;
  readonly end: () => Promise<void>;
}

function start(profile: ProfileName): Bench {
  const network = simulateNetwork({ seed: 0, dynamicPorts: PORTS });
  const pal = createNetworkPal({
    platform: network.platform({ profile, keepAlive: true }),
    strict: true,
    maxOperations: 64,
  });
  pal.initialize();
  for (const port of [5001, 5002]) {
    const server = pal.createServer('127.0.0.1', port);
    const accept = (): unknown => pal.asyncAccept(server.handle, (error) => (error === null ? accept() : null));
    accept();
  }
  const ended = pal.runEventLoop();
  return {
    network,
    pal,
    connect: async (port) => {
      let outcome: NetworkError | null | undefined;
      pal.asyncConnect('127.0.0.1', port, {}, (error) => (outcome = error));
      await network.settle();
      if (outcome === undefined) throw new Error('No callback');
      return outcome;
    },
    end: async () => {
      void pal.stopEventLoop();
      await network.settle();
      await ended;
    },
  };
}

describe('a small range of dynamic ports', () => {
  it('is full per destination on Windows: a port serves connections to different ones', async () => {
    const bench = start('windows');
    for (const port of [5001, 5002]) {
      for (let count = 0; count < PORTS; count++) expect(await bench.connect(port), String(port)).to.equal(null);
      const error = await bench.connect(port);
      expect(error).to.include({ code: 'ENOBUFS', kind: NetworkErrorCode.ResourceExhausted, port });
    }
    expect(bench.pal.stats().connected).to.equal(2 * PORTS);
    await bench.end();
  });

  it('is full for all where the option is not known, and the connect is told so in its callback', async () => {
    const bench = start('wine');
    for (let count = 0; count < PORTS; count++) expect(await bench.connect(5001)).to.equal(null);
    const sockets = bench.pal.stats().sockets;
    for (const port of [5001, 5002]) {
      expect(await bench.connect(port)).to.include({ code: 'ENOBUFS', kind: NetworkErrorCode.ResourceExhausted, port });
    }
    expect(bench.pal.stats().sockets, 'nothing is left of those').to.equal(sockets);
    await bench.end();
  });
});
