/** connectUdp and disconnectUdp. */
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, send, unclaimedPort } from '../../support/udp.ts';
import { turns } from '../../support/until.ts';

onEveryBed('udp, connected', (bed) => {
  const fixture = sharedPal(bed);

  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    it(`sends to and receives from its peer only, and can be disconnected again, over IPv${family}`, async () => {
      const { pal } = fixture;
      const server = pal.createUdpSocket(address, 0);
      const stranger = pal.createUdpSocket(address, 0);
      // On a port that was asked for: Linux, so Wine, takes a port of its own choice back when the peer is set free.
      const client = pal.createUdpSocket(address, await unclaimedPort(pal, address));
      pal.connectUdp(client.handle, address, server.port);
      expect([pal.getRemoteAddress(client.handle), pal.getRemotePort(client.handle)]).to.deep.equal([
        address,
        server.port,
      ]);
      const atServer = receive(pal, server.handle);
      await send(pal, client.handle, 'to the peer', null);
      expect((await atServer).peer?.port).to.equal(client.port);
      const atClient = receive(pal, client.handle);
      await send(pal, stranger.handle, 'not from the peer', client);
      await send(pal, server.handle, 'from the peer', client);
      const { data, peer } = await atClient;
      expect(data.toString()).to.equal('from the peer');
      expect(peer).to.deep.equal({ address, port: server.port, family });

      await turns(30, bed); // what the stranger sent may still have been on its way
      pal.disconnectUdp(client.handle);
      expect(thrownBy(() => pal.getRemotePort(client.handle))).to.include({ code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' });
      const anybody = receive(pal, client.handle);
      await send(pal, stranger.handle, 'from anybody', client);
      expect((await anybody).data.toString()).to.equal('from anybody');
      const again = receive(pal, stranger.handle);
      await send(pal, client.handle, 'to anybody', stranger);
      expect((await again).data.toString()).to.equal('to anybody');
    });
  }

  it('sends what waited to the peer that it was for, and not to the next one', async () => {
    const { pal } = fixture;
    const [first, second] = [pal.createUdpSocket('127.0.0.1', 0), pal.createUdpSocket('127.0.0.1', 0)];
    const client = pal.createUdpSocket('127.0.0.1', await unclaimedPort(pal, '127.0.0.1'));
    pal.connectUdp(client.handle, '127.0.0.1', first.port);
    // More than the system has at a time.
    const texts = Array.from({ length: 20 }, (_, number) => String(number));
    const received = texts.map(() => receive(pal, first.handle));
    const sent = texts.map((text) => send(pal, client.handle, text, null));
    pal.disconnectUdp(client.handle);
    pal.connectUdp(client.handle, '127.0.0.1', second.port);
    await Promise.all(sent);
    const atSecond = receive(pal, second.handle);
    await send(pal, client.handle, 'to the second', null);
    expect((await atSecond).data.toString()).to.equal('to the second');
    const atFirst = (await Promise.all(received)).map(({ data }) => data.toString());
    expect(atFirst.sort()).to.deep.equal([...texts].sort());
  });

  it('says which call does not go with it', () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const nobody = (): void => expect.fail('a refused call must not call back');
    const bytes = new Uint8Array(1);
    for (const call of [
      () => pal.asyncSendTo(handle, bytes, null, nobody),
      () => pal.disconnectUdp(handle),
      () => pal.getRemoteAddress(handle),
    ]) {
      expect(thrownBy(call)).to.include({ code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' });
    }
    pal.connectUdp(handle, '127.0.0.1', 9);
    for (const call of [
      () => pal.asyncSendTo(handle, bytes, { address: '127.0.0.1', port: 9 }, nobody),
      () => pal.connectUdp(handle, '127.0.0.1', 10),
    ]) {
      const error = thrownBy(call);
      expect(error).to.include({ code: 'ERR_SOCKET_DGRAM_IS_CONNECTED' });
      expect(error.message).to.include('127.0.0.1 port 9');
    }
  });
});
