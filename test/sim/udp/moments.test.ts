/** UDP in moments that ordinary programs hardly meet. */
import { expect } from 'chai';
import {
  createNetworkPal,
  type NetworkPal,
  type OperationHandle,
  type UdpOptions,
  type UdpSocket,
} from '../../../src/index.ts';
import { WSAECONNRESET, WSAEHOSTUNREACH, WSAENOBUFS } from '../../../ffi/wsa-errors.ts';
import { simulateNetwork, type FaultOptions, type SimulatedPlatform } from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';
import { RawDatagramPeer } from '../support/raw-datagram-peer.ts';

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly socket: UdpSocket;
  readonly peers: readonly [RawDatagramPeer, RawDatagramPeer];
  readonly stop: () => Promise<void>;
}

function bench(options: UdpOptions = {}, faults: FaultOptions = {}): Bench {
  const network = simulateNetwork({ seed: 0, plain: true });
  const platform = network.platform({ profile: 'windows', keepAlive: true, faults });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 256, closeGraceMs: 100 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const socket = pal.createUdpSocket('127.0.0.1', 0, options);
  const other = network.platform();
  const stop = async (): Promise<void> => {
    void pal.stopEventLoop();
    await network.settle();
    await ended;
    expectNothingLeft(platform);
  };
  return { platform, pal, socket, peers: [new RawDatagramPeer(other), new RawDatagramPeer(other)], stop };
}

/** More than the system has at a time. */
const SENDS = 20;
const TEXTS = Array.from({ length: SENDS }, (_, number) => String(number));

describe('datagrams to the peer of a connected socket', () => {
  for (const again of [false, true]) {
    it(`go to that peer although it is another one's turn before theirs (${again ? 'connected again' : 'disconnected'})`, async () => {
      const { platform, pal, socket, peers, stop } = bench();
      const log: string[] = [];
      pal.connectUdp(socket.handle, peers[0].address, peers[0].port);
      for (const text of TEXTS)
        pal.asyncSendTo(socket.handle, Buffer.from(text), null, (error) => log.push(error?.code ?? text));
      pal.disconnectUdp(socket.handle);
      if (again) pal.connectUdp(socket.handle, peers[1].address, peers[1].port);
      platform.run();
      expect(log.toSorted()).to.deep.equal(TEXTS.toSorted());
      expect(peers[0].take().toSorted()).to.deep.equal(TEXTS.toSorted());
      expect(peers[1].take()).to.deep.equal([]);
      await stop();
    });
  }

  it('name that peer when they fail, and go there when they are made again', async () => {
    for (const reportUnreachable of [true, false]) {
      const { platform, pal, socket, peers, stop } = bench(
        { reportUnreachable },
        { plan: [{ call: 'WSASendTo', nth: 1, code: WSAEHOSTUNREACH }] },
      );
      const log: unknown[] = [];
      pal.connectUdp(socket.handle, peers[0].address, peers[0].port);
      pal.asyncSendTo(socket.handle, Buffer.from('x'), null, (error) => log.push(error?.port ?? 'sent'));
      pal.disconnectUdp(socket.handle);
      pal.connectUdp(socket.handle, peers[1].address, peers[1].port);
      platform.run();
      expect(log).to.deep.equal([reportUnreachable ? peers[0].port : 'sent']);
      expect([peers[0].take(), peers[1].take()]).to.deep.equal([reportUnreachable ? [] : ['x'], []]);
      await stop();
    }
  });
});

describe('a receive whose buffer has gone', () => {
  it('leaves its datagram to the next one that waits, also where none is kept', async () => {
    const { platform, pal, socket, peers, stop } = bench({ maxQueuedReceiveBytes: 0 });
    const log: string[] = [];
    const [gone, there] = [new Uint8Array(4), Buffer.alloc(4)];
    pal.asyncReceiveFrom(socket.handle, gone, 4, (error) => log.push(error?.code ?? 'received'));
    pal.asyncReceiveFrom(socket.handle, there, 4, (error, bytes) => {
      log.push(error?.code ?? there.toString('latin1', 0, bytes));
    });
    structuredClone(gone, { transfer: [gone.buffer] });
    peers[0].send('here', socket.port);
    platform.run();
    expect(log).to.deep.equal(['ERR_BUFFER_DETACHED', 'here']);
    expect(pal.stats().datagramsDropped).to.equal(0);
    await stop();
  });
});

describe('datagrams that the system has not taken yet', () => {
  /** Has the system take one datagram, and wait with others until that one has left. */
  function sendThree({ pal, socket, peers }: Bench): { log: string[]; operations: OperationHandle[] } {
    const log: string[] = [];
    const operations = ['first', 'second', 'third'].map((text) =>
      pal.asyncSendTo(socket.handle, Buffer.from(text), peers[0], (error) => {
        log.push(`${text} ${error?.code ?? 'sent'}`);
      }),
    );
    return { log, operations };
  }

  it('are not sent when their calls are cancelled', async () => {
    const made = bench({ sendBufferSize: 1 });
    const { log, operations } = sendThree(made);
    expect(made.pal.cancel(operations[1]!)).to.equal(true);
    made.platform.run();
    expect(log.toSorted()).to.deep.equal(['first sent', 'second ECANCELED', 'third sent']);
    expect(made.peers[0].take()).to.deep.equal(['first', 'third']);
    await made.stop();
  });

  it('are not sent when their socket is closed with a grace of 0', async () => {
    const made = bench({ sendBufferSize: 1 });
    const { log } = sendThree(made);
    made.pal.closeSocket(made.socket.handle, { graceMs: 0 }, () => log.push('closed'));
    made.platform.run();
    expect(log.toSorted()).to.deep.equal(['closed', 'first sent', 'second ECANCELED', 'third ECANCELED']);
    expect(log.at(-1)).to.equal('closed');
    expect(made.peers[0].take()).to.deep.equal(['first']);
    await made.stop();
  });
});

describe('a burst that is longer than what a socket takes in a turn', () => {
  /** What a turn takes at most, and the one that ended the receive. */
  const MOST = 64 + 1;

  for (const batches of [false, true]) {
    it(`lets others run in between (${batches ? 'in batches' : 'one by one'})`, async () => {
      const { platform, pal, socket, peers, stop } = bench();
      for (let number = 0; number < 200; number++) peers[0].send('x', socket.port);
      platform.run(); // they are in the system's buffer, since nobody has asked
      const log: string[] = [];
      const buffer = new Uint8Array(8);
      let calls = 0;
      const came = (count: number): void => {
        calls++;
        // It is answered as soon as whatever runs now lets it.
        if (log.length === 0) pal.cancel(pal.asyncReceiveFrom(socket.handle, buffer, 8, () => log.push('another')));
        for (let left = count; left > 0; left--) log.push('x');
        next();
      };
      const next = (): void => {
        const told = (error: Error | null, count: number): void => {
          if (error === null) came(count);
        };
        if (batches) pal.asyncReceiveBatch(socket.handle, (error, { count }) => told(error, count));
        else pal.asyncReceiveFrom(socket.handle, buffer, 8, (error) => told(error, 1));
      };
      next();
      platform.run();
      expect(log).to.have.lengthOf(201);
      expect(log.indexOf('another')).to.be.within(1, MOST);
      expect(calls).to.equal(batches ? 4 : 200);
      await stop();
    });
  }
});

describe('a failure in the middle of a burst', () => {
  for (const [code, report, expected] of [
    [WSAENOBUFS, false, ['0', '1', 'ENOBUFS', '2', '3']],
    [WSAECONNRESET, true, ['0', '1', 'ECONNRESET', '2', '3']],
    [WSAECONNRESET, false, ['0', '1', '2', '3']],
  ] as const) {
    it(`does not take along the datagrams of its batch (${code}${report ? ', reported' : ''})`, async () => {
      const plan = [{ call: 'WSARecvFrom', nth: 3, code }] as const;
      const { platform, pal, socket, peers, stop } = bench({ reportUnreachable: report }, { plan });
      for (const text of ['0', '1', '2', '3']) peers[0].send(text, socket.port);
      platform.run();
      const log: string[] = [];
      const next = (): void =>
        void pal.asyncReceiveBatch(socket.handle, (error, batch) => {
          if (error !== null) log.push(error.code);
          for (let index = 0; index < batch.count; index++) log.push(String(batch.view(index)));
          if (error?.code !== 'ECANCELED') next();
        });
      next();
      platform.run();
      expect(log).to.deep.equal(expected);
      await stop();
    });
  }
});
