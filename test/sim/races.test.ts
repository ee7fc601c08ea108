/** Moments that the exhaustive orders pass through, but whose right outcome depends on what had already happened. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../src/index.ts';
import { simulateNetwork, type ProfileName, type SimulatedKernel } from '../../src/sim/index.ts';
import { RawPeer } from './support/raw-peer.ts';

interface Bench {
  readonly kernel: SimulatedKernel;
  readonly pal: NetworkPal;
  readonly peer: RawPeer;
  readonly socket: SocketHandle;
  readonly end: () => Promise<void>;
}

/** A connection to a peer that does what it is told, through kernel buffers of `buffers` bytes. */
function connected(profile: ProfileName, buffers: number): Bench {
  const network = simulateNetwork({ seed: 0, plain: true });
  const sizes = { sendBufferSize: buffers, receiveBufferSize: buffers };
  const kernel = network.kernel({ profile, keepAlive: true, ...sizes });
  const peer = new RawPeer(network, network.kernel(sizes));
  const pal = createNetworkPal({ kernel, strict: true, maxOperations: 64, skipCompletionPortOnSuccess: false });
  pal.initialize();
  const ended = pal.runEventLoop();
  const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, (error) => {
    if (error !== null) throw error;
  });
  network.run();
  const end = async (): Promise<void> => {
    void pal.stopEventLoop();
    await network.settle();
    await ended;
    expect([kernel.openHandles, kernel.ledger.size]).to.deep.equal([0, 0]);
  };
  return { kernel, pal, peer, socket, end };
}

describe("shutdown('receive') when a receive has just completed", () => {
  it('leaves the bytes to the oldest reader', async () => {
    const { kernel, pal, peer, socket, end } = connected('windows', 100);
    const log: string[] = [];
    const read = (): void => {
      pal.asyncRead(socket, new Uint8Array(10), 10, (error, bytes) => log.push(error?.code ?? String(bytes)));
    };
    // The first read makes the connection a busy one, whose receives wait in a buffer.
    read();
    peer.send('x');
    kernel.run(() => log.length === 1);
    read();
    read();
    peer.send('abc');
    kernel.run(() => [...kernel.ledger].every(({ kind, done }) => kind !== 'WSARecv' || done));
    pal.shutdown(socket, 'receive');
    kernel.run();
    expect(log).to.deep.equal(['1', '3', '0']);
    await end();
  });
});

describe('a send under way when the peer half-closes', () => {
  it('arrives whole, although Wine completes it with success and 0 bytes', async () => {
    const { kernel, pal, peer, socket, end } = connected('wine', 4);
    const log: string[] = [];
    pal.asyncWrite(socket, new Uint8Array(8), () => log.push('first written'));
    kernel.run();
    // Both buffers are full: this one has not moved a byte when the FIN comes.
    pal.asyncWrite(socket, new Uint8Array(40), (error) => log.push(error?.code ?? 'second written'));
    pal.asyncRead(socket, new Uint8Array(1), 1, (error, bytes) => log.push(error?.code ?? `read ${bytes}`));
    peer.fin();
    kernel.run();
    expect(log).to.deep.equal(['first written', 'read 0']);
    peer.drain();
    kernel.run();
    expect(log.at(-1)).to.equal('second written');
    expect(peer.end.in.length).to.equal(48);
    await end();
  });
});
