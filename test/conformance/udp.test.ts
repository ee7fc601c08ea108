/** UDP: datagrams arrive whole, with their sender, in the order of the calls; queues are bounded; closing answers everybody. */
import { expect } from 'chai';
import { NetworkErrorCode, type Endpoint, type NetworkError } from '../../src/index.ts';
import { onEveryBed } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { expectClosed, rejectionOf, thrownBy } from '../support/errors.ts';
import { close } from '../support/io.ts';
import { Outcomes } from '../support/outcomes.ts';
import { sharedPal, testPal } from '../support/pal-fixture.ts';
import { receive, receiveMany, send } from '../support/udp.ts';
import { turns, until } from '../support/until.ts';

onEveryBed('udp', (bed) => {
  const fixture = sharedPal(bed);

  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    it(`carries datagrams of all sizes over IPv${family}, with their sender`, async () => {
      const { pal } = fixture;
      const server = pal.createUdpSocket(address, 0);
      const client = pal.createUdpSocket(address, 0);
      expect(server.address).to.equal(address);
      expect([pal.getLocalAddress(server.handle), pal.getLocalPort(server.handle)]).to.deep.equal([
        address,
        server.port,
      ]);
      for (const size of [0, 1, 63, 64, 65, 511, 512, 513, 1472, 4097, 16385, 65507]) {
        const sent = seededBytes(size, size);
        const received = receive(pal, server.handle);
        expect(await send(pal, client.handle, sent, server), `sent of ${size}`).to.equal(size);
        const { data, peer, size: told } = await received;
        expect(data.equals(sent), `${size} bytes arrive unchanged`).to.equal(true);
        expect(told).to.equal(size);
        expect(peer).to.deep.equal({ address, port: client.port, family });
        // The peer of a datagram can be answered.
        const answer = receive(pal, client.handle);
        await send(pal, server.handle, 'answer', peer);
        expect((await answer).data.toString()).to.equal('answer');
      }
    });
  }

  it('a dual-stack socket serves both families, as ::ffff:a.b.c.d', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('::', 0);
    const v4 = pal.createUdpSocket('127.0.0.1', 0);
    const v6 = pal.createUdpSocket('::1', 0);
    for (const [client, from, family] of [
      [v4, '::ffff:127.0.0.1', 4],
      [v6, '::1', 6],
    ] as const) {
      const received = receive(pal, server.handle);
      await send(pal, client.handle, 'hello', { address: family === 4 ? '127.0.0.1' : '::1', port: server.port });
      const { peer } = await received;
      expect(peer).to.deep.equal({ address: from, port: client.port, family: 6 });
      const answer = receive(pal, client.handle);
      await send(pal, server.handle, 'back', peer);
      expect((await answer).data.toString()).to.equal('back');
    }
  });

  it('an ipv6Only socket hears no IPv4', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('::', 0, { ipv6Only: true });
    const v4 = pal.createUdpSocket('127.0.0.1', 0);
    const v6 = pal.createUdpSocket('::1', 0);
    const received = receive(pal, server.handle);
    await send(pal, v4.handle, 'four', { address: '127.0.0.1', port: server.port });
    await send(pal, v6.handle, 'six', { address: '::1', port: server.port });
    expect((await received).data.toString()).to.equal('six');
  });

  it('any-address as a destination means this machine', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('0.0.0.0', 0);
    const received = receive(pal, server.handle);
    await send(pal, client.handle, 'x', { address: '0.0.0.0', port: server.port });
    expect((await received).peer).to.deep.equal({ address: '127.0.0.1', port: client.port, family: 4 });
  });

  it('a list of buffers is one datagram, of pinned memory as of any', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const pinned = pal.allocateBuffer(4096);
    pinned.set(seededBytes(4096, 9));
    const list = [Buffer.from('ab'), new Uint8Array(0), Buffer.from('cd')];
    const sending = send(pal, client.handle, list, server);
    list.length = 0; // the array was copied, its buffers are still being sent
    expect((await receive(pal, server.handle)).data.toString()).to.equal('abcd');
    await sending;
    for (const data of [pinned, pinned.subarray(7, 1007)]) {
      const received = receive(pal, server.handle);
      expect(await send(pal, client.handle, data, server)).to.equal(data.length);
      expect((await received).data.equals(data)).to.equal(true);
    }
  });

  it('calls are served in order, datagrams of many senders each with its own', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: 3 });
    const clients = Array.from({ length: 20 }, () => pal.createUdpSocket('127.0.0.1', 0));
    const seen = new Map<number, number[]>();
    const peers = new Map<number, Endpoint>();
    // Few at a time, so that no system's buffer overflows.
    for (let round = 0; round < 10; round++) {
      const received = receiveMany(pal, server.handle, clients.length * 2);
      for (const [index, { handle }] of clients.entries()) {
        void send(pal, handle, new Uint8Array([index, round * 2]), server);
        void send(pal, handle, new Uint8Array([index, round * 2 + 1]), server);
      }
      for (const { data, peer } of await received) {
        const [index = -1, number = -1] = data;
        expect(peer?.port).to.equal(clients[index]?.port);
        seen.set(index, [...(seen.get(index) ?? []), number]);
        if (peer !== null) peers.set(index, peer);
      }
    }
    const inOrder = Array.from({ length: 20 }, (_, number) => number);
    for (const [index] of clients.entries()) expect(seen.get(index), `sender ${index}`).to.deep.equal(inOrder);
    expect(new Set([...peers.values()].map(({ port }) => port)).size).to.equal(20);
  });

  it('the peer of many datagrams is one object, which cannot be changed', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const received = receiveMany(pal, server.handle, 2);
    await send(pal, client.handle, 'a', server);
    await send(pal, client.handle, 'b', server);
    const [first, second] = await received;
    expect(first?.peer).to.equal(second?.peer);
    expect(() => Object.assign(first?.peer ?? {}, { port: 1 })).to.throw(TypeError);
  });

  it('never calls back inside the call', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    // One that has arrived already is not handed out at once either.
    const first = receive(pal, server.handle);
    await send(pal, client.handle, 'one', server);
    await first;
    await send(pal, client.handle, 'two', server);
    await until(
      () => pal.describe().includes('1 datagrams untaken'),
      () => 'the second datagram',
      bed,
    );
    let inside = true;
    const called = new Promise<boolean[]>((resolve) => {
      const calls: boolean[] = [];
      const note = (): void => {
        calls.push(inside);
        if (calls.length === 2) resolve(calls);
      };
      pal.asyncReceiveFrom(server.handle, Buffer.alloc(10), 10, note);
      pal.asyncSendTo(client.handle, Buffer.from('three'), server, note);
    });
    inside = false;
    expect(await called).to.deep.equal([false, false]);
  });
});

onEveryBed('udp, datagrams that do not fit', (bed) => {
  const fixture = testPal(bed);

  it('are cut at the buffer, with their true size, and the next one is whole', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const sent = seededBytes(3000);
    const received = [receive(pal, server.handle, 1000), receive(pal, server.handle, 4096)];
    await send(pal, client.handle, sent, server);
    await send(pal, client.handle, 'next', server);
    const [cut, next] = await Promise.all(received);
    expect(cut).to.include({ size: 3000 });
    expect(cut?.data.equals(sent.subarray(0, 1000))).to.equal(true);
    expect(next).to.include({ size: 4 });
    // maxBytes counts, not the buffer.
    const buffer = Buffer.alloc(100, '.');
    const told = new Promise((resolve) => {
      pal.asyncReceiveFrom(server.handle, buffer, 2, (error, bytes, _peer, size) => resolve({ error, bytes, size }));
    });
    await send(pal, client.handle, 'abcdef', server);
    expect(await told).to.deep.equal({ error: null, bytes: 2, size: 6 });
    expect(buffer.toString('latin1', 0, 4)).to.equal('ab..');
    expect(pal.stats()).to.include({ datagramsReceived: 3, datagramsTruncated: 2 });
  });

  it('are cut by the system at maxDatagramSize, and nobody knows their size', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { maxDatagramSize: 100, receiveDepth: 2 });
    const client = pal.createUdpSocket('127.0.0.1', 0);
    // Some find a receive pending, some are there before it is posted: the two ways in which systems tell.
    for (const size of [99, 100, 101, 5000]) {
      const sent = seededBytes(size, size);
      for (let count = 0; count < 6; count++) await send(pal, client.handle, sent, server);
      for (const { data, size: told } of await receiveMany(pal, server.handle, 6)) {
        expect(data.equals(sent.subarray(0, 100)), `the first bytes of ${size}`).to.equal(true);
        expect(told).to.equal(size > 100 ? Infinity : size);
      }
    }
    expect(pal.stats()).to.include({ datagramsReceived: 24, datagramsTruncated: 12 });
  });
});

onEveryBed('udp, when nobody asks', (bed) => {
  const fixture = testPal(bed);
  /** `count` datagrams of two bytes, the first one asked for; resolves when the rest was kept or dropped. */
  async function flood(options: object, count: number): Promise<() => Promise<number[]>> {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, options);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const first = receive(pal, server.handle);
    for (let number = 0; number < count; number++) {
      await send(pal, client.handle, new Uint8Array([number, 0]), server);
    }
    await first;
    await until(
      () => pal.stats().datagramsReceived === count,
      () => `${count} datagrams, with ${pal.stats().datagramsReceived}`,
      bed,
    );
    return async () => {
      const kept = count - 1 - pal.stats().datagramsDropped;
      const received = await receiveMany(pal, server.handle, kept);
      return received.map(({ data }) => data[0] ?? -1);
    };
  }

  it('datagrams are kept and handed out in order', async () => {
    const rest = await flood({}, 50);
    expect(fixture.pal.stats().datagramsDropped).to.equal(0);
    expect(await rest()).to.deep.equal(Array.from({ length: 49 }, (_, index) => index + 1));
  });

  it('the newest are dropped and counted beyond maxQueuedReceiveBytes', async () => {
    const rest = await flood({ maxQueuedReceiveBytes: 5 * 512 }, 20);
    expect(fixture.pal.stats().datagramsDropped).to.equal(14);
    expect(await rest()).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('or the oldest', async () => {
    const rest = await flood({ maxQueuedReceiveBytes: 5 * 512, dropWhenFull: 'oldest' }, 20);
    expect(fixture.pal.stats().datagramsDropped).to.equal(14);
    expect(await rest()).to.deep.equal([15, 16, 17, 18, 19]);
  });

  it('nothing is kept where the limit is 0', async () => {
    const rest = await flood({ maxQueuedReceiveBytes: 0, dropWhenFull: 'oldest' }, 5);
    expect(fixture.pal.stats().datagramsDropped).to.equal(4);
    expect(await rest()).to.deep.equal([]);
  });

  it('closing forgets what was kept', async () => {
    await flood({}, 10); // the fixture sees that no block stays lent
  });

  it('a socket that never asked has no receive posted', async () => {
    const { pal } = fixture;
    pal.createUdpSocket('127.0.0.1', 0);
    await turns(3, bed);
    expect(pal.stats()).to.include({ udpSockets: 1, pinnedBytes: 0 });
  });
});

onEveryBed('udp, stats and describe', (bed) => {
  const fixture = testPal(bed);

  it('count datagrams and bytes, and name sockets', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: 2 });
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const received = receiveMany(pal, server.handle, 3);
    for (const size of [10, 0, 5]) await send(pal, client.handle, seededBytes(size), server);
    await received;
    const stats = pal.stats();
    expect(stats).to.include({ sockets: 2, servers: 0, udpSockets: 2, datagramsSent: 3, datagramsReceived: 3 });
    expect(stats).to.include({ bytesSent: 15, bytesReceived: 15, queuedBytes: 0, pendingCallbacks: 0 });
    expect(stats.operations).to.include({ receive: 2, send: 0 });
    expect(stats.calls).to.include({ WSASendTo: 3 });
    expect(stats.calls['WSARecvFrom']).to.be.at.least(5);
    const nothing = (): void => undefined;
    pal.asyncReceiveFrom(server.handle, Buffer.alloc(7), 7, nothing);
    expect(pal.describe()).to.match(
      /udp \d+ \(SOCKET \d+\), \d+ ms old, BOUND: on 127\.0\.0\.1 port \d+, 2 receives posted/,
    );
    expect(pal.describe()).to.match(/receive of up to 7 bytes[^]*udp\.test/);
    pal.connectUdp(client.handle, '127.0.0.1', server.port);
    expect(pal.describe()).to.include(`peer 127.0.0.1 port ${server.port}`);
  });
});

onEveryBed('udp, closing', (bed) => {
  const fixture = sharedPal(bed);

  it('answers pending receives, then itself', async () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const labels = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const label of labels) {
      pal.asyncReceiveFrom(handle, new Uint8Array(10), 10, outcomes.expect(label));
    }
    pal.closeSocket(handle, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal([...labels.map((label) => `${label} ECANCELED`), 'close ok']);
    for (const label of labels) expectClosed(outcomes.errors.get(label), label);
  });

  it('sends what was accepted, answers it, then itself', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const received = receiveMany(pal, server.handle, 40);
    for (let number = 0; number < 40; number++) {
      pal.asyncSendTo(client.handle, Buffer.from([number]), server, outcomes.expect(`send ${number}`));
    }
    pal.asyncReceiveFrom(client.handle, new Uint8Array(10), 10, outcomes.expect('receive'));
    pal.closeSocket(client.handle, outcomes.expect('close'));
    expect((await received).map(({ data }) => data[0])).to.deep.equal(Array.from({ length: 40 }, (_, index) => index));
    await outcomes.settled(bed);
    expect(outcomes.log).to.have.lengthOf(42);
    expect(outcomes.log.at(-1)).to.equal('close ok');
    expect(outcomes.log.filter((line) => line.startsWith('send') && line.endsWith(' ok'))).to.have.lengthOf(40);
    expectClosed(outcomes.errors.get('receive'));
  });

  it('in a callback, with others pending', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const closed = outcomes.expect('close');
    const first = outcomes.expect('first');
    pal.asyncReceiveFrom(server.handle, new Uint8Array(10), 10, (error, bytes) => {
      first(error, bytes);
      pal.closeSocket(server.handle, closed);
    });
    pal.asyncReceiveFrom(server.handle, new Uint8Array(10), 10, outcomes.expect('second'));
    await send(pal, client.handle, 'x', server);
    await send(pal, client.handle, 'y', server);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['first ok', 'second ECANCELED', 'close ok']);
    expect(outcomes.values.get('first')).to.equal(1);
  });

  it('a closed handle reaches no other socket, and a second close is a no-op', async () => {
    const { pal } = fixture;
    const old = pal.createUdpSocket('127.0.0.1', 0);
    await close(pal, old.handle);
    pal.createUdpSocket('127.0.0.1', 0);
    for (const call of [
      () => pal.asyncReceiveFrom(old.handle, new Uint8Array(1), 1, () => expect.fail()),
      () => pal.asyncSendTo(old.handle, new Uint8Array(1), old, () => expect.fail()),
      () => pal.connectUdp(old.handle, '127.0.0.1', 1),
      () => pal.disconnectUdp(old.handle),
      () => pal.joinGroup(old.handle, '224.1.2.3'),
      () => pal.getLocalPort(old.handle),
      () => pal.getRemotePort(old.handle),
      () => pal.getQueuedBytes(old.handle),
      () => pal.setSocketOption(old.handle, 'Broadcast', true),
    ]) {
      expect(thrownBy(call)).to.include({ code: 'ERR_SOCKET_CLOSED', kind: NetworkErrorCode.ConnectionClosed });
    }
    await close(pal, old.handle);
  });

  it('one whose callback throws loses no other callback', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      const outcomes = new Outcomes();
      pal.asyncReceiveFrom(server.handle, new Uint8Array(9), 9, () => {
        throw new Error('on purpose');
      });
      pal.asyncReceiveFrom(server.handle, new Uint8Array(9), 9, outcomes.expect('second'));
      pal.asyncSendTo(client.handle, new Uint8Array(1), server, () => {
        throw new Error('on purpose too');
      });
      pal.asyncSendTo(client.handle, new Uint8Array(2), server, outcomes.expect('sent'));
      await outcomes.settled(bed);
      expect([...outcomes.log].sort()).to.deep.equal(['second ok', 'sent ok']);
      expect(thrown.map(String).sort()).to.deep.equal(['Error: on purpose', 'Error: on purpose too']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('a buffer that is gone when its datagram comes is told, and the datagram is the next reader’s', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const gone = new Uint8Array(10);
    const failure = new Promise<NetworkError | null>((resolve) => {
      pal.asyncReceiveFrom(server.handle, gone, 10, (error) => resolve(error));
    });
    const next = receive(pal, server.handle);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await send(pal, client.handle, 'hello', server);
    expect(await failure).to.include({ code: 'ERR_BUFFER_DETACHED' });
    expect((await next).data.toString()).to.equal('hello');
  });
});

onEveryBed('udp, the queue of sends', (bed) => {
  const fixture = testPal(bed, { maxQueuedBytesPerSocket: 65536 });

  it('refuses beyond maxQueuedBytesPerSocket, and counts what it holds', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const sends = Array.from({ length: 32 }, () => send(pal, client.handle, new Uint8Array(2048), server));
    expect(pal.getQueuedBytes(client.handle)).to.equal(65536);
    expect(pal.stats().queuedBytes).to.equal(65536);
    const error = thrownBy(() => pal.asyncSendTo(client.handle, new Uint8Array(1), server, () => expect.fail()));
    expect(error).to.include({ code: 'ERR_WRITE_QUEUE_FULL', kind: NetworkErrorCode.ResourceExhausted });
    await Promise.all(sends);
    expect(pal.getQueuedBytes(client.handle)).to.equal(0);
    expect(pal.stats()).to.include({ queuedBytes: 0, datagramsSent: 32 });
  });

  it('a buffer that is gone before its turn fails alone', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const gone = new Uint8Array(100);
    const before = Array.from({ length: 16 }, () => send(pal, client.handle, 'before', server));
    const failed = rejectionOf(send(pal, client.handle, gone, server));
    const after = send(pal, client.handle, 'after', server);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(await failed).to.include({ code: 'ERR_BUFFER_DETACHED', kind: NetworkErrorCode.WriteFailed });
    await Promise.all([...before, after]);
    expect(pal.stats()).to.include({ datagramsSent: 17, bytesSent: 16 * 6 + 5 });
  });
});
