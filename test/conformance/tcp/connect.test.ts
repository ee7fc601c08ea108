/** asyncConnect: to what is there, to what is not, and from where. */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkError } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { expectClosed, rejectionOf, thrownBy } from '../../support/errors.ts';
import { accept, close, connect, pair, REFUSING_PORT, unusedPort } from '../../support/io.ts';
import { lookupIn } from '../../support/lookups.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

/** Windows repeats refused SYNs and takes two seconds, unless told not to. */
const REFUSED_WITHIN_MS = 1500;

onEveryBed('connect', (bed) => {
  const fixture = sharedPal(bed);

  for (const address of ['127.0.0.1', '::1']) {
    it(`knows both end points over ${address}`, async () => {
      const { pal } = fixture;
      const server = pal.createServer(address, 0);
      const [client, { socket, peer }] = await Promise.all([
        connect(pal, address, server.port),
        accept(pal, server.handle),
      ]);
      expect(server.address).to.equal(address);
      expect(pal.getRemoteAddress(client)).to.equal(address);
      expect(pal.getRemotePort(client)).to.equal(server.port);
      expect(pal.getLocalAddress(client)).to.equal(address);
      expect(pal.getLocalAddress(socket)).to.equal(address);
      expect(pal.getLocalPort(socket)).to.equal(server.port);
      expect(pal.getRemoteAddress(socket)).to.equal(address);
      expect(pal.getRemotePort(socket)).to.equal(pal.getLocalPort(client));
      expect(peer).to.deep.equal({
        address,
        port: pal.getLocalPort(client),
        family: address === '::1' ? 6 : 4,
      });
    });

    it(`is refused at once where nothing listens on ${address}`, async () => {
      const { pal } = fixture;
      const port = REFUSING_PORT;
      let error: NetworkError;
      let took: number;
      let tries = 0;
      do {
        const start = Date.now();
        error = await rejectionOf(connect(pal, address, port));
        took = Date.now() - start;
      } while (took >= REFUSED_WITHIN_MS && ++tries < 3); // a busy machine is late once, a repeated SYN always
      expect(took, 'milliseconds').to.be.below(REFUSED_WITHIN_MS);
      expect(error.code).to.equal('ECONNREFUSED');
      expect(error.kind).to.equal(NetworkErrorCode.ConnectionRefused);
      expect(error.address).to.equal(address);
      expect(error.port).to.equal(port);
      expect(error.message).to.include(address === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`);
    });
  }

  for (const [any, loopback] of [
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
  ] as const) {
    it(`to ${any} goes to ${loopback}`, async () => {
      const { pal } = fixture;
      const server = pal.createServer(loopback, 0);
      const [client] = await Promise.all([connect(pal, any, server.port), accept(pal, server.handle)]);
      expect(pal.getRemoteAddress(client)).to.equal(loopback);
    });
  }

  it('to port 0 is answered with EADDRNOTAVAIL, by address and by name', async () => {
    const { pal } = fixture;
    const error = await rejectionOf(connect(pal, '127.0.0.1', 0));
    expect(error).to.include({
      code: 'EADDRNOTAVAIL',
      systemErrorCode: 10049,
      syscall: 'ConnectEx',
      address: '127.0.0.1',
      port: 0,
    });
    expect(error.kind).to.equal(NetworkErrorCode.AddressNotAvailable);
    const { lookup } = lookupIn({ 6: ['::1'], 4: ['127.0.0.1'] });
    const named = await rejectionOf(connect(pal, 'host.test', 0, { lookup }));
    expect(named).to.include({ code: 'EADDRNOTAVAIL', port: 0, hostname: 'host.test' });
    expect(named.attempts?.map(({ code }) => code)).to.deep.equal(['EADDRNOTAVAIL', 'EADDRNOTAVAIL']);
  });

  it('names the zone of an address in its error', async () => {
    // No interface has this number; Windows and Wine differ in what they say.
    const address = 'fe80::1%4294967294';
    const error = await rejectionOf(connect(fixture.pal, address, REFUSING_PORT));
    expect(error.address).to.equal(address);
    expect(error.message).to.include(`[${address}]:${REFUSING_PORT}`);
  });

  it('from a local address and port', async () => {
    const { pal } = fixture;
    const localPort = await unusedPort(pal);
    const { client, served } = await pair(pal, {}, { localAddress: '127.0.0.1', localPort });
    expect(pal.getLocalAddress(client)).to.equal('127.0.0.1');
    expect(pal.getLocalPort(client)).to.equal(localPort);
    expect(pal.getRemotePort(served)).to.equal(localPort);
  });

  it('from an address that is not of this machine fails in the callback', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    // 192.0.2.0/24 is reserved for documentation; nothing is sent there, bind refuses it.
    const error = await rejectionOf(connect(pal, '127.0.0.1', server.port, { localAddress: '192.0.2.1' }));
    expect(error.code).to.equal('EADDRNOTAVAIL');
    expect(error.kind).to.equal(NetworkErrorCode.AddressNotAvailable);
    expect(error.syscall).to.equal('bind');
  });

  it('sets TCP_NODELAY when asked to', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal, {}, { noDelay: true });
    expect(pal.getSocketOption(client, 'NoDelay')).to.equal(true);
    const { client: other } = await pair(pal);
    expect(pal.getSocketOption(other, 'NoDelay')).to.equal(false);
  });

  it('the handle is valid at once, but not yet for reading and writing', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const handle = pal.asyncConnect('127.0.0.1', server.port, {}, outcomes.expect('connect'));
    for (const early of [
      () => pal.asyncRead(handle, new Uint8Array(1), 1, () => undefined),
      () => pal.asyncWrite(handle, new Uint8Array(1), () => undefined),
      () => pal.shutdown(handle, 'send'),
      () => pal.getRemoteAddress(handle),
    ]) {
      const error = thrownBy(early);
      expect(error.code).to.equal('ENOTCONN');
      expect(error.message).to.match(/still connecting/);
    }
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['connect ok']);
    expect(outcomes.values.get('connect')).to.equal(handle);
  });

  it('that failed leaves a closed handle and nothing else', async () => {
    const { pal } = fixture;
    const outcomes = new Outcomes();
    const handle = pal.asyncConnect('127.0.0.1', REFUSING_PORT, {}, outcomes.expect('connect'));
    await outcomes.settled(bed);
    expect(outcomes.values.get('connect')).to.equal(handle);
    expect(pal.getLocalPort(handle)).to.equal(0);
    expect(pal.stats()).to.include({ sockets: 0, pendingCallbacks: 0 });
    await close(pal, handle); // a no-op that still calls back
  });

  for (const how of ['closeSocket', 'resetSocket'] as const) {
    it(`is abandoned by ${how}`, async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0);
      const outcomes = new Outcomes();
      const handle = pal.asyncConnect('127.0.0.1', server.port, {}, outcomes.expect('connect'));
      pal[how](handle, outcomes.expect('close'));
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal(['connect ECANCELED', 'close ok']);
      expectClosed(outcomes.errors.get('connect'));
    });
  }

  it('a timeout that does not come to pass changes nothing', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal, {}, { timeout: 2 ** 31 - 1 });
    expect(pal.getRemoteAddress(client)).to.equal('127.0.0.1');
  });
});
