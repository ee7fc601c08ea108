/**
 * Connections that nobody is told of, because the call that made them, or the server that took them, was given up in the
 * same moment: each is reset. A FIN would tell the peer that somebody had served it.
 */
import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import { WSAEMFILE } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import {
  simulateNetwork,
  type FaultOptions,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';
import { RawPeer } from '../support/raw-peer.ts';

interface Bench {
  readonly network: SimulatedNetwork;
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly peer: RawPeer;
  readonly end: () => Promise<void>;
}

function bench(profile: 'windows' | 'wine', faults: FaultOptions = {}): Bench {
  const network = simulateNetwork({ seed: 0, plain: true });
  const platform = network.platform({ profile, keepAlive: true, faults });
  const peer = new RawPeer(network, network.platform());
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const end = async (): Promise<void> => {
    void pal.stopEventLoop();
    await network.settle();
    await ended;
    expectNothingLeft(platform);
  };
  return { network, platform, pal, peer, end };
}

/** Until the packet of the only operation of a kind is in the port, and nobody has looked. */
function untilDone({ platform }: Bench, kind: string): void {
  platform.run(() => [...platform.ledger].some((io) => io.kind === kind && io.done));
  expect([...platform.ledger].filter((io) => io.kind === kind && io.done)).to.have.lengthOf(1);
}

type Ending = (pal: NetworkPal, socket: SocketHandle) => unknown;

const ENDINGS: Readonly<Record<string, Ending>> = {
  cancel: (pal, socket) => pal.cancel(socket),
  closeSocket: (pal, socket) => pal.closeSocket(socket),
  resetSocket: (pal, socket) => pal.resetSocket(socket),
  stopEventLoop: (pal) => pal.stopEventLoop(),
};

for (const profile of ['windows', 'wine'] as const) {
  describe(`a connection that nobody is told of (${profile})`, () => {
    for (const [name, end] of Object.entries(ENDINGS)) {
      it(`is reset when ${name} meets its ConnectEx, whose packet is in the port`, async () => {
        const all = bench(profile);
        const told: string[] = [];
        const connect = (error: { code: string } | null): unknown => told.push(error?.code ?? 'connected');
        const socket = all.pal.asyncConnect('127.0.0.1', all.peer.port, {}, connect);
        untilDone(all, 'ConnectEx');
        void end(all.pal, socket);
        all.network.run();
        expect(told).to.deep.equal(['ECANCELED']);
        expect(all.peer.end.broken, 'RST').to.not.equal(0);
        await all.end();
      });
    }

    for (const name of ['closeSocket', 'stopEventLoop'] as const) {
      it(`is reset when ${name} meets its AcceptEx, whose packet is in the port`, async () => {
        const all = bench(profile);
        const { pal, peer } = all;
        const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
        all.network.run();
        peer.connect(server.port);
        untilDone(all, 'AcceptEx');
        if (name === 'closeSocket') pal.closeSocket(server.handle);
        else void pal.stopEventLoop();
        all.network.run();
        expect(peer.end.broken, 'RST').to.not.equal(0);
        await all.end();
      });
    }
  });
}

describe('a lookup function that ends its attempt', () => {
  for (const name of ['signal', 'stopEventLoop'] as const) {
    it(`is not asked for the other family (${name})`, async () => {
      const { network, pal, end } = bench('windows');
      const aborting = new AbortController();
      const told: string[] = [];
      let asked = 0;
      const lookup: LookupFunction = (_name, _options, callback) => {
        asked++;
        if (name === 'signal') aborting.abort();
        else void pal.stopEventLoop();
        callback(null, [{ address: '127.0.0.1', family: 4 }]);
      };
      pal.asyncConnect('host.test', 80, { lookup, signal: aborting.signal }, (error) => told.push(error?.code ?? ''));
      network.run();
      expect([asked, ...told]).to.deep.equal([1, name === 'signal' ? 'ABORT_ERR' : 'ECANCELED']);
      await end();
    });
  }
});

describe('a connect that got no socket', () => {
  it('cancels nothing when it is closed before it is told', async () => {
    // The first one looks at the provider.
    const all = bench('windows', { plan: [{ call: 'WSASocketW', nth: 2, code: WSAEMFILE }] });
    const told: string[] = [];
    const socket = all.pal.asyncConnect('127.0.0.1', all.peer.port, {}, (error) => told.push(error?.code ?? ''));
    all.pal.closeSocket(socket, () => told.push('closed'));
    all.network.run();
    expect(told).to.deep.equal(['ECANCELED', 'closed']);
    expect(all.pal.stats().syscalls).to.include({ ConnectEx: 0, CancelIoEx: 0 });
    await all.end();
  });
});

describe('a connection that was closed before it was taken', () => {
  for (const call of ['asyncAccept', 'tryAccept'] as const) {
    it(`is not handed out by ${call}, and keeps no place in the pool`, async () => {
      const all = bench('windows');
      const { network, pal, peer } = all;
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      peer.connect(server.port);
      network.run();
      const untaken = pal.inspect().sockets.find(({ kind }) => kind === 'connection');
      pal.closeSocket(untaken?.handle ?? server.handle);
      network.run();
      const told: (SocketHandle | string)[] = [];
      if (call === 'asyncAccept') {
        pal.asyncAccept(server.handle, (error, socket) => told.push(error?.code ?? socket));
      } else {
        expect(pal.tryAccept(server.handle)).to.equal(-1);
      }
      network.run();
      expect(told).to.deep.equal([]);
      peer.connect(server.port);
      network.run();
      if (call === 'tryAccept') told.push(pal.tryAccept(server.handle) as SocketHandle);
      const [socket] = told;
      expect(pal.getRemoteAddress(socket as SocketHandle)).to.equal('127.0.0.1');
      await all.end();
    });
  }
});
