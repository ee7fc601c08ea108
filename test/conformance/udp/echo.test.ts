/** UDP: datagrams arrive whole, with their sender, in the order of the calls. */
import { expect } from 'chai';
import type { Endpoint } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, receiveMany, send } from '../../support/udp.ts';
import { until } from '../../support/until.ts';

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

  it('an ipv6Only socket receives no IPv4', async () => {
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

  it('more peers than it remembers: each datagram has its own', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    // Twice, so that those who were forgotten come again. One at a time, so that nothing is dropped.
    const clients = Array.from({ length: 80 }, () => pal.createUdpSocket('127.0.0.1', 0));
    for (const client of [...clients, ...clients]) {
      const received = receive(pal, server.handle);
      await send(pal, client.handle, 'x', server);
      expect((await received).peer?.port).to.equal(client.port);
    }
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
