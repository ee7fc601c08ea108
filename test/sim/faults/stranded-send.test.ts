/** Wine leaves a send alone whose socket is closed, and gives it to the next socket of that number: a cancel ends it once. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulateNetwork, type SimulatedPlatform, type SimulatedNetwork } from '../../../src/sim/index.ts';
import type { Io } from '../../../src/sim/kernel/io.ts';
import { RawPeer } from '../support/raw-peer.ts';

const SEEDS = 100;

interface Bench {
  readonly network: SimulatedNetwork;
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  /** A send that waits. */
  readonly io: Io;
}

function begin(seed: number): Bench {
  const network = simulateNetwork({ seed });
  const platform = network.platform({ profile: 'wine', keepAlive: true, sendBufferSize: 8 });
  const peer = new RawPeer(network, network.platform({ receiveBufferSize: 8 }));
  const pal = createNetworkPal({ platform, maxOperations: 64 });
  pal.initialize();
  void pal.runEventLoop();
  const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, () => undefined);
  network.run();
  pal.asyncWrite(socket, new Uint8Array(1000), () => undefined);
  network.run();
  const io = [...platform.ledger].find(({ kind }) => kind === 'WSASend');
  if (io === undefined) throw new Error('No send waits');
  return { network, platform, pal, io };
}

describe('a send whose socket was closed, wine', () => {
  it('ends once, when a cancel is on its way', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { network, platform, pal, io } = begin(seed);
      platform.kernel32.CancelIoEx(io.socket.number, io.overlapped);
      platform.ws2_32.closesocket(io.socket.number);
      network.run();
      expect([io.done, pal.stats().droppedPackets], `seed ${seed}: done, and packets too many`).to.deep.equal([
        true,
        0,
      ]);
    }
  });

  it('ends once, when it is cancelled on the next socket', () => {
    let inherited = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { network, platform, pal, io } = begin(seed);
      const { number } = io.socket;
      const other = new RawPeer(network, network.platform({ receiveBufferSize: 8 }));
      platform.ws2_32.closesocket(number);
      pal.asyncConnect('127.0.0.1', other.port, {}, () => undefined);
      network.run();
      if (io.done) continue; // it went on before that socket was connected
      inherited++;
      platform.kernel32.CancelIoEx(number, io.overlapped);
      network.run();
      other.drain();
      network.run();
      expect([io.done, pal.stats().droppedPackets], `seed ${seed}: done, and packets too many`).to.deep.equal([
        true,
        0,
      ]);
    }
    expect(inherited, 'sends that the next socket had').to.be.above(0);
  });
});
