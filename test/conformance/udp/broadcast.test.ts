/** Broadcast. */
import { expect } from 'chai';
import { NetworkErrorCode } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf } from '../../support/errors.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, send } from '../../support/udp.ts';

onEveryBed('udp, broadcast', (bed) => {
  const fixture = sharedPal(bed);
  /** The broadcast address of the loopback network: nothing leaves this machine. */
  const everybody = '127.255.255.255';

  it('reaches every socket of the port, once it is allowed', async () => {
    const { pal } = fixture;
    const first = pal.createUdpSocket('0.0.0.0', 0, { reuseAddr: true });
    const second = pal.createUdpSocket('0.0.0.0', first.port, { reuseAddr: true });
    const sender = pal.createUdpSocket('127.0.0.1', 0);
    const to = { address: everybody, port: first.port };
    expect(pal.getSocketOption(sender.handle, 'Broadcast')).to.equal(false);
    const refused = await rejectionOf(send(pal, sender.handle, 'x', to));
    expect(refused).to.include({ kind: NetworkErrorCode.PermissionDenied, code: 'EACCES', port: first.port });
    pal.setSocketOption(sender.handle, 'Broadcast', true);
    expect(pal.getSocketOption(sender.handle, 'Broadcast')).to.equal(true);
    const received = [receive(pal, first.handle), receive(pal, second.handle)];
    await send(pal, sender.handle, 'all of you', to);
    for (const { data, peer } of await Promise.all(received)) {
      expect(data.toString()).to.equal('all of you');
      expect(peer?.port).to.equal(sender.port);
    }
  });

  it('can be allowed from the start', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('0.0.0.0', 0);
    const sender = pal.createUdpSocket('127.0.0.1', 0, { broadcast: true });
    const received = receive(pal, server.handle);
    await send(pal, sender.handle, 'hello', { address: everybody, port: server.port });
    expect((await received).data.toString()).to.equal('hello');
  });
});
