/** trySendMany: trySendTo for a list. */
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, receiveMany, send } from '../../support/udp.ts';

onEveryBed('udp, sending many at once', (bed) => {
  const fixture = sharedPal(bed);

  it('sends each to where it goes, in order', async () => {
    const { pal } = fixture;
    const servers = [pal.createUdpSocket('127.0.0.1', 0), pal.createUdpSocket('127.0.0.1', 0)] as const;
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const received = servers.map(({ handle }) => receiveMany(pal, handle, 3));
    const list = [0, 1, 2, 3, 4, 5].map((number) => ({
      data: [Buffer.from(`${number}`), Buffer.from('!')],
      to: servers[number % 2 === 0 ? 0 : 1],
    }));
    const before = pal.stats().datagramsSent;
    expect(pal.trySendMany(client.handle, list)).to.equal(6);
    expect(pal.trySendMany(client.handle, [])).to.equal(0);
    const texts = (await Promise.all(received)).map((some) => some.map(({ data }) => data.toString()));
    expect(texts).to.deep.equal([
      ['0!', '2!', '4!'],
      ['1!', '3!', '5!'],
    ]);
    expect(pal.stats().datagramsSent - before).to.equal(6);
  });

  it('sends to the peer of a connected socket', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    pal.connectUdp(client.handle, '127.0.0.1', server.port);
    const received = receiveMany(pal, server.handle, 2);
    const list = ['a', 'b'].map((text) => ({ data: Buffer.from(text), to: null }));
    expect(pal.trySendMany(client.handle, list)).to.equal(2);
    expect((await received).map(({ data }) => data.toString())).to.deep.equal(['a', 'b']);
  });

  it('takes the first ones, up to one that the system refuses', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('0.0.0.0', 0);
    const received = receive(pal, server.handle);
    const everybody = { address: '255.255.255.255', port: 9 };
    const list = [server, everybody, server].map((to, index) => ({ data: Buffer.from([index]), to }));
    expect(pal.trySendMany(client.handle, list)).to.equal(1);
    expect((await received).data[0]).to.equal(0);
  });

  it('sends none beside what asyncSendTo was given, and none on a closed socket', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const list = [{ data: Buffer.from('x'), to: socket }];
    const sent = send(pal, socket.handle, 'first', socket);
    expect(pal.trySendMany(socket.handle, list)).to.equal(0);
    await sent;
    pal.closeSocket(socket.handle);
    expect(pal.trySendMany(socket.handle, list)).to.equal(0);
  });

  it('sends none when one of them is a mistake', () => {
    const { pal } = fixture;
    const { handle, port } = pal.createUdpSocket('127.0.0.1', 0);
    const right = { data: Buffer.from('x'), to: { address: '127.0.0.1', port } };
    const before = pal.stats().datagramsSent;
    for (const [wrong, code] of [
      [null, 'ERR_INVALID_ARG_TYPE'],
      ['text', 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, data: 'text' }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, data: Buffer.alloc(65_508) }, 'ERR_OUT_OF_RANGE'],
      [{ ...right, to: { address: 'nowhere', port } }, 'ERR_INVALID_IP_ADDRESS'],
      [{ ...right, to: { address: '127.0.0.1', port: 0 } }, 'ERR_SOCKET_BAD_PORT'],
      [{ ...right, to: null }, 'ERR_SOCKET_DGRAM_NOT_CONNECTED'],
    ] as const) {
      expect(thrownBy(() => pal.trySendMany(handle, [right, wrong as never])).code).to.equal(code);
    }
    expect(thrownBy(() => pal.trySendMany(handle, right as never)).code).to.equal('ERR_INVALID_ARG_TYPE');
    expect(pal.stats().datagramsSent - before).to.equal(0);
  });
});
