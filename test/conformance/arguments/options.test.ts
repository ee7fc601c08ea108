/** Socket options: what is set reads back, and what makes no sense is refused. */
import { expect } from 'chai';
import type { SocketOption } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { pair } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

onEveryBed('socket options', (bed) => {
  const fixture = sharedPal(bed);

  for (const option of ['NoDelay', 'KeepAlive'] as const) {
    it(`${option} is off, and can be set and reset on both sides`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      for (const socket of [client, served]) {
        expect(pal.getSocketOption(socket, option)).to.equal(false);
        pal.setSocketOption(socket, option, true);
        expect(pal.getSocketOption(socket, option)).to.equal(true);
        pal.setSocketOption(socket, option, false);
        expect(pal.getSocketOption(socket, option)).to.equal(false);
      }
    });
  }

  for (const option of ['SendBufferSize', 'ReceiveBufferSize'] as const) {
    it(`${option} can be set`, async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      expect(pal.getSocketOption(client, option)).to.be.above(0);
      pal.setSocketOption(client, option, 123_456);
      expect(pal.getSocketOption(client, option)).to.equal(123_456);
    });
  }

  it('KeepAlive takes times', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    pal.setSocketOption(client, 'KeepAlive', { enabled: true, idleSeconds: 30, intervalSeconds: 5 });
    expect(pal.getSocketOption(client, 'KeepAlive')).to.equal(true);
    pal.setSocketOption(client, 'KeepAlive', { enabled: true });
    pal.setSocketOption(client, 'KeepAlive', { enabled: false });
    expect(pal.getSocketOption(client, 'KeepAlive')).to.equal(false);
  });

  it('KeepAlive takes a count, where the system knows one', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    try {
      pal.setSocketOption(client, 'KeepAlive', { enabled: true, count: 3 });
    } catch (error) {
      // TCP_KEEPCNT is there since Windows 10 1703; Wine 8 does not know it.
      expect(error).to.include({ code: 'ENOPROTOOPT', systemErrorCode: 10042 });
    }
    expect(pal.getSocketOption(client, 'KeepAlive')).to.equal(true);
  });

  it('Linger can be 0 seconds, or off', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    expect(pal.getSocketOption(client, 'Linger').enabled).to.equal(false);
    pal.setSocketOption(client, 'Linger', { enabled: true, seconds: 0 });
    expect(pal.getSocketOption(client, 'Linger')).to.deep.equal({ enabled: true, seconds: 0 });
    pal.setSocketOption(client, 'Linger', { enabled: false, seconds: 0 });
    expect(pal.getSocketOption(client, 'Linger').enabled).to.equal(false);
  });

  it('ReuseAddr and ExclusiveAddr read as what the socket was made with', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    expect(pal.getSocketOption(client, 'ReuseAddr')).to.equal(false);
    expect(pal.getSocketOption(client, 'ExclusiveAddr')).to.equal(false);
    // A connection is bound, and Windows refuses the option on a bound socket; Wine takes it.
    for (const value of [false, true]) {
      try {
        pal.setSocketOption(client, 'ReuseAddr', value);
        expect(pal.getSocketOption(client, 'ReuseAddr')).to.equal(value);
      } catch (error) {
        expect(error).to.include({ code: 'EINVAL', syscall: 'setsockopt(SO_REUSEADDR)' });
        expect(pal.getSocketOption(client, 'ReuseAddr')).to.equal(false);
      }
    }
  });

  const refused: [SocketOption, unknown, string][] = [
    ['NoDelay', 1, 'ERR_INVALID_ARG_VALUE'],
    ['NoDelay', undefined, 'ERR_INVALID_ARG_VALUE'],
    ['KeepAlive', 'yes', 'ERR_INVALID_ARG_VALUE'],
    ['KeepAlive', {}, 'ERR_INVALID_ARG_VALUE'],
    ['KeepAlive', null, 'ERR_INVALID_ARG_VALUE'],
    ['KeepAlive', { enabled: true, idleSeconds: 0 }, 'ERR_OUT_OF_RANGE'],
    ['KeepAlive', { enabled: true, intervalSeconds: 32768 }, 'ERR_OUT_OF_RANGE'],
    ['KeepAlive', { enabled: true, count: 256 }, 'ERR_OUT_OF_RANGE'],
    ['SendBufferSize', -1, 'ERR_OUT_OF_RANGE'],
    ['SendBufferSize', 2 ** 31, 'ERR_OUT_OF_RANGE'],
    ['ReceiveBufferSize', '65536', 'ERR_INVALID_ARG_TYPE'],
    ['Linger', true, 'ERR_INVALID_ARG_VALUE'],
    ['Linger', null, 'ERR_INVALID_ARG_VALUE'],
    ['Linger', { enabled: true }, 'ERR_INVALID_ARG_TYPE'],
    ['Linger', { enabled: true, seconds: 1 }, 'ERR_INVALID_ARG_VALUE'],
    ['Linger', { enabled: false, seconds: 65536 }, 'ERR_OUT_OF_RANGE'],
    ['Nagle' as SocketOption, true, 'ERR_INVALID_ARG_VALUE'],
    ['toString' as SocketOption, true, 'ERR_INVALID_ARG_VALUE'],
  ];
  it('refuses values that make no sense', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    for (const [option, value, code] of refused) {
      const what = `${option} ${JSON.stringify(value)}`;
      expect(thrownBy(() => pal.setSocketOption(client, option, value as never)).code, what).to.equal(code);
    }
    expect(thrownBy(() => pal.getSocketOption(client, 'Nagle' as SocketOption)).code).to.equal('ERR_INVALID_ARG_VALUE');
  });
});
