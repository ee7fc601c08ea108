/** Moments that the exhaustive orders pass through, but whose right outcome depends on what had already happened. */
import { expect } from 'chai';
import { STATUS_INSUFFICIENT_RESOURCES } from '../../../ffi/ntstatus.ts';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulateNetwork, type ProfileName, type SimulatedPlatform } from '../../../src/sim/index.ts';
import type { FaultOptions } from '../../../src/sim/machine/faults.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';
import { RawPeer } from '../support/raw-peer.ts';

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly peer: RawPeer;
  readonly socket: SocketHandle;
  readonly end: () => Promise<void>;
}

/** A connection to a peer that does what it is told, through kernel buffers of `buffers` bytes. */
function connected(profile: ProfileName, buffers: number, faults: FaultOptions = {}): Bench {
  const network = simulateNetwork({ seed: 0, plain: true });
  const sizes = { sendBufferSize: buffers, receiveBufferSize: buffers };
  const platform = network.platform({ profile, keepAlive: true, faults, ...sizes });
  const peer = new RawPeer(network, network.platform(sizes));
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64, skipCompletionPortOnSuccess: false });
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
    expectNothingLeft(platform);
  };
  return { platform, pal, peer, socket, end };
}

describe("shutdown('receive') when a receive has just completed", () => {
  it('leaves the bytes to the oldest reader', async () => {
    const { platform, pal, peer, socket, end } = connected('windows', 100);
    const log: string[] = [];
    const read = (): void => {
      pal.asyncRead(socket, new Uint8Array(10), 10, (error, bytes) => log.push(error?.code ?? String(bytes)));
    };
    // The first read makes the connection a busy one, whose receives wait in a buffer.
    read();
    peer.send('x');
    platform.run(() => log.length === 1);
    read();
    read();
    peer.send('abc');
    platform.run(() => [...platform.ledger].every(({ kind, done }) => kind !== 'WSARecv' || done));
    pal.shutdown(socket, 'receive');
    platform.run();
    expect(log).to.deep.equal(['1', '3', '0']);
    await end();
  });

  it('also when somebody reads behind it before the packet is looked at', async () => {
    const { platform, pal, peer, socket, end } = connected('windows', 100);
    const log: string[] = [];
    const read = (name: string): void => {
      pal.asyncRead(socket, new Uint8Array(10), 10, (error, bytes) => log.push(`${name} ${error?.code ?? bytes}`));
    };
    read('first');
    peer.send('x');
    platform.run(() => log.length === 1);
    read('second');
    peer.send('abc');
    platform.run(() => [...platform.ledger].every(({ kind, done }) => kind !== 'WSARecv' || done));
    pal.shutdown(socket, 'receive');
    read('third');
    platform.run();
    expect(log).to.deep.equal(['first 1', 'second 3', 'third 0']);
    await end();
  });

  it('also when the bytes came for a buffer that had gone', async () => {
    const { platform, pal, peer, socket, end } = connected('windows', 100);
    const log: string[] = [];
    const read = (name: string): Uint8Array<ArrayBuffer> => {
      const buffer = new Uint8Array(10);
      pal.asyncRead(socket, buffer, 10, (error, bytes) => log.push(`${name} ${error?.code ?? bytes}`));
      return buffer;
    };
    read('first');
    peer.send('x');
    platform.run(() => log.length === 1);
    const lost = read('second');
    structuredClone(lost, { transfer: [lost.buffer] });
    peer.send('abc');
    platform.run(() => log.length === 2);
    read('third');
    pal.shutdown(socket, 'receive');
    read('fourth');
    platform.run();
    expect(log).to.deep.equal(['first 1', 'second ERR_BUFFER_DETACHED', 'third 3', 'fourth 0']);
    await end();
  });
});

describe("shutdown('receive') with a watch", () => {
  it('leaves writing alone when the receive that the watch had posted fails', async () => {
    const plan = [{ operation: 'WSARecv', nth: 1, status: STATUS_INSUFFICIENT_RESOURCES }] as const;
    const { platform, pal, peer, socket, end } = connected('windows', 100, { plan });
    let told = 0;
    pal.watch(socket, { readable: true }, () => {
      told++;
      pal.unwatch(socket);
    });
    platform.run();
    expect([...platform.ledger].map(({ kind }) => kind)).to.deep.equal(['WSARecv']);
    pal.shutdown(socket, 'receive');
    peer.send('x');
    platform.run();
    expect([told, platform.ledger.size]).to.deep.equal([1, 0]);
    expect(pal.tryWrite(socket, new Uint8Array(3))).to.equal(3);
    platform.run();
    expect(peer.end.in.length).to.equal(3);
    await end();
  });
});

describe('a send under way when the peer half-closes', () => {
  it('arrives whole, although Wine completes it with success and 0 bytes', async () => {
    const { platform, pal, peer, socket, end } = connected('wine', 4);
    const log: string[] = [];
    pal.asyncWrite(socket, new Uint8Array(8), () => log.push('first written'));
    platform.run();
    // Both buffers are full: this one has not moved a byte when the FIN comes.
    pal.asyncWrite(socket, new Uint8Array(40), (error) => log.push(error?.code ?? 'second written'));
    pal.asyncRead(socket, new Uint8Array(1), 1, (error, bytes) => log.push(error?.code ?? `read ${bytes}`));
    peer.fin();
    platform.run();
    expect(log).to.deep.equal(['first written', 'read 0']);
    peer.drain();
    platform.run();
    expect(log.at(-1)).to.equal('second written');
    expect(peer.end.in.length).to.equal(48);
    await end();
  });
});
