/** trySendTo: a datagram in one call, without a callback. */
import { expect } from 'chai';
import { WouldBlock } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf, thrownBy } from '../../support/errors.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, send } from '../../support/udp.ts';

onEveryBed('udp, sending at once', (bed) => {
  const fixture = sharedPal(bed);

  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    it(`sends a datagram of every length, from every kind of memory, over IPv${family}`, async () => {
      const { pal } = fixture;
      const server = pal.createUdpSocket(address, 0);
      const client = pal.createUdpSocket(address, 0);
      const pinned = pal.allocateBuffer(3000).fill('p');
      const large = Buffer.alloc(60_000, 'large ');
      const before = pal.stats();
      for (const [data, text] of [
        [Buffer.from('one'), 'one'],
        [new Uint8Array(0), ''],
        [[], ''],
        [[Buffer.from('a '), Buffer.from('list')], 'a list'],
        [pinned, 'p'.repeat(3000)],
        [pinned.subarray(10, 20), 'p'.repeat(10)],
        [Buffer.alloc(4032, 'e'), 'e'.repeat(4032)],
        [Buffer.alloc(4033, 'f'), 'f'.repeat(4033)],
        [large, large.toString()],
        [[large.subarray(0, 5000), large.subarray(5000)], large.toString()],
      ] as const) {
        const received = receive(pal, server.handle);
        expect(pal.trySendTo(client.handle, data, server)).to.equal(text.length);
        const { data: bytes, peer } = await received;
        expect(bytes.toString()).to.equal(text);
        expect(peer).to.deep.equal({ address, port: client.port, family });
      }
      const { datagramsSent, bytesSent, queuedBytes } = pal.stats();
      expect([datagramsSent - before.datagramsSent, bytesSent - before.bytesSent, queuedBytes]).to.deep.equal([
        10,
        3 + 6 + 3000 + 10 + 4032 + 4033 + 120_000,
        0,
      ]);
    });
  }

  it('lets the data be changed at once', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const received = receive(pal, socket.handle);
    const data = Buffer.from('before');
    expect(pal.trySendTo(socket.handle, data, socket)).to.equal(6);
    data.fill('x');
    expect((await received).data.toString()).to.equal('before');
  });

  it('sends to the peer of a connected socket', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    pal.connectUdp(client.handle, '127.0.0.1', server.port);
    const received = receive(pal, server.handle);
    expect(pal.trySendTo(client.handle, Buffer.from('to the peer'), null)).to.equal(11);
    expect((await received).data.toString()).to.equal('to the peer');
    expect(thrownBy(() => pal.trySendTo(client.handle, Buffer.from('x'), server)).code).to.equal(
      'ERR_SOCKET_DGRAM_IS_CONNECTED',
    );
  });

  it('does not overtake what asyncSendTo was given', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const received = [receive(pal, server.handle), receive(pal, server.handle)];
    const first = send(pal, client.handle, 'first', server);
    expect(pal.trySendTo(client.handle, Buffer.from('overtaking'), server)).to.equal(WouldBlock);
    await first;
    expect(pal.trySendTo(client.handle, Buffer.from('second'), server)).to.equal(6);
    expect((await Promise.all(received)).map(({ data }) => data.toString())).to.deep.equal(['first', 'second']);
  });

  it('takes nothing that the system refuses, and nothing on a socket that is closed', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('0.0.0.0', 0);
    const everybody = { address: '255.255.255.255', port: 9 };
    expect(pal.trySendTo(socket.handle, Buffer.from('x'), everybody)).to.equal(WouldBlock);
    expect(await rejectionOf(send(pal, socket.handle, 'x', everybody))).to.include({ code: 'EACCES' });
    pal.closeSocket(socket.handle);
    expect(pal.trySendTo(socket.handle, Buffer.from('x'), everybody)).to.equal(WouldBlock);
  });

  it('takes nothing where reports of unreachable peers have somebody to go to', () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable: true });
    expect(pal.trySendTo(socket.handle, Buffer.from('x'), socket)).to.equal(WouldBlock);
  });

  it('refuses what is no datagram', () => {
    const { pal } = fixture;
    const { handle, port } = pal.createUdpSocket('127.0.0.1', 0);
    const to = { address: '127.0.0.1', port };
    for (const [call, code] of [
      [() => pal.trySendTo(handle, 'text' as never, to), 'ERR_INVALID_ARG_TYPE'],
      [() => pal.trySendTo(handle, Buffer.alloc(65_508), to), 'ERR_OUT_OF_RANGE'],
      [() => pal.trySendTo(handle, Buffer.alloc(1), { address: '::1', port }), 'ERR_INVALID_IP_ADDRESS'],
      [() => pal.trySendTo(handle, Buffer.alloc(1), { address: '127.0.0.1', port: 0 }), 'ERR_SOCKET_BAD_PORT'],
      [() => pal.trySendTo(handle, Buffer.alloc(1), null), 'ERR_SOCKET_DGRAM_NOT_CONNECTED'],
    ] as const) {
      expect(thrownBy(call).code, String(call)).to.equal(code);
    }
  });
});
