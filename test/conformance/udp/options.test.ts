/** The options of UDP sockets, and who shares a port. */
import { expect } from 'chai';
import { NetworkErrorCode } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { close } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receiveMany, send } from '../../support/udp.ts';

onEveryBed('udp, options', (bed) => {
  const fixture = sharedPal(bed);

  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    it(`of IPv${family} read back as they were set`, () => {
      const { pal } = fixture;
      const { handle } = pal.createUdpSocket(address, 0, { receiveBufferSize: 200_000, sendBufferSize: 100_000 });
      expect(pal.getSocketOption(handle, 'ReceiveBufferSize')).to.be.at.least(200_000);
      expect(pal.getSocketOption(handle, 'SendBufferSize')).to.be.at.least(100_000);
      expect(pal.getSocketOption(handle, 'MulticastTTL')).to.equal(1);
      expect(pal.getSocketOption(handle, 'MulticastLoop')).to.equal(true);
      expect(pal.getSocketOption(handle, 'MulticastInterface')).to.equal(family === 4 ? '0.0.0.0' : 0);
      expect(pal.getSocketOption(handle, 'TTL')).to.be.within(1, 255);
      for (const value of [0, 1, 33, 255]) {
        pal.setSocketOption(handle, 'MulticastTTL', value);
        expect(pal.getSocketOption(handle, 'MulticastTTL')).to.equal(value);
      }
      for (const value of [1, 77, 255]) {
        pal.setSocketOption(handle, 'TTL', value);
        expect(pal.getSocketOption(handle, 'TTL')).to.equal(value);
      }
      pal.setSocketOption(handle, 'MulticastLoop', false);
      expect(pal.getSocketOption(handle, 'MulticastLoop')).to.equal(false);
      pal.setSocketOption(handle, 'MulticastInterface', family === 4 ? '127.0.0.1' : 1);
      expect(pal.getSocketOption(handle, 'MulticastInterface')).to.equal(family === 4 ? '127.0.0.1' : 1);
      // An index, which IPv4 has as an address that begins with 0. Windows may read any interface back as its index.
      pal.setSocketOption(handle, 'MulticastInterface', 0);
      expect(pal.getSocketOption(handle, 'MulticastInterface')).to.equal(family === 4 ? '0.0.0.0' : 0);
      for (const [option, value] of [
        ['MulticastTTL', 256],
        ['MulticastTTL', -1],
        ['TTL', 0],
        ['TTL', 256],
      ] as const) {
        expect(thrownBy(() => pal.setSocketOption(handle, option, value)).code).to.equal('ERR_OUT_OF_RANGE');
      }
      expect(thrownBy(() => pal.setSocketOption(handle, 'Broadcast', 1 as never)).code).to.equal(
        'ERR_INVALID_ARG_VALUE',
      );
      expect(() => pal.setSocketOption(handle, 'NoDelay', true), 'a TCP option').to.throw(/NODELAY/);
    });
  }

  it('two sockets share a port with reuseAddr, and nobody an exclusive one', async () => {
    const { pal } = fixture;
    const plain = pal.createUdpSocket('127.0.0.1', 0);
    expect(thrownBy(() => pal.createUdpSocket('127.0.0.1', plain.port))).to.include({
      code: 'EADDRINUSE',
      kind: NetworkErrorCode.AddressInUse,
      syscall: 'bind',
    });
    const exclusive = pal.createUdpSocket('127.0.0.1', 0, { exclusive: true });
    expect(thrownBy(() => pal.createUdpSocket('127.0.0.1', exclusive.port, { reuseAddr: true })).code).to.be.oneOf([
      'EACCES',
      'EADDRINUSE',
    ]);
    const shared = pal.createUdpSocket('127.0.0.1', 0, { reuseAddr: true });
    const second = pal.createUdpSocket('127.0.0.1', shared.port, { reuseAddr: true });
    expect(second.port).to.equal(shared.port);
    await close(pal, second.handle);
    const received = receiveMany(pal, shared.handle, 1);
    await send(pal, plain.handle, 'x', shared);
    expect(await received).to.have.lengthOf(1);
  });
});
