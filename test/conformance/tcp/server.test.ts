/** createServer: where it listens, and what it refuses. */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkPal, type ServerOptions } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf, thrownBy } from '../../support/errors.ts';
import { accept, close, connect, pair, readExactly, serverOnUnclaimedPort, write } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

onEveryBed('server', (bed) => {
  const fixture = sharedPal(bed);

  async function peerOf(pal: NetworkPal, listenOn: string, connectTo: string, options: ServerOptions = {}) {
    const server = pal.createServer(listenOn, 0, options);
    const [, { peer }] = await Promise.all([connect(pal, connectTo, server.port), accept(pal, server.handle)]);
    await close(pal, server.handle);
    return peer;
  }

  it('says which port the system chose for port 0', () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    expect(server.port).to.be.within(1, 65535);
    expect(pal.getLocalPort(server.handle)).to.equal(server.port);
    expect(pal.getLocalAddress(server.handle)).to.equal('127.0.0.1');
    expect(pal.stats()).to.include({ sockets: 1, servers: 1 });
  });

  it('listens on every address with 0.0.0.0', async () => {
    expect(await peerOf(fixture.pal, '0.0.0.0', '127.0.0.1')).to.include({ address: '127.0.0.1', family: 4 });
  });

  it('listens for both families with ::, and shows IPv4 peers as mapped addresses', async () => {
    const { pal } = fixture;
    expect(await peerOf(pal, '::', '127.0.0.1')).to.include({ address: '::ffff:127.0.0.1', family: 6 });
    expect(await peerOf(pal, '::', '::1')).to.include({ address: '::1', family: 6 });
  });

  it('serves both families at the same time with ::', async () => {
    const { pal } = fixture;
    const server = pal.createServer('::', 0);
    const [four, six, ...served] = await Promise.all([
      connect(pal, '127.0.0.1', server.port),
      connect(pal, '::1', server.port),
      accept(pal, server.handle),
      accept(pal, server.handle),
    ]);
    expect(served.map(({ peer }) => peer.address)).to.have.members(['::ffff:127.0.0.1', '::1']);
    for (const { socket, peer } of served) {
      expect(peer.family).to.equal(6);
      expect(pal.getRemoteAddress(socket)).to.equal(peer.address);
      expect(pal.getLocalAddress(socket), 'of the same kind').to.equal(peer.address);
      const client = peer.address === '::1' ? six : four;
      expect(pal.getLocalPort(client)).to.equal(peer.port);
      await write(pal, client, Buffer.from(peer.address));
      expect((await readExactly(pal, socket, peer.address.length)).toString()).to.equal(peer.address);
    }
  });

  it('is reached through a mapped address too, which an IPv4 server shows as IPv4', async () => {
    const { pal } = fixture;
    expect(await peerOf(pal, '::', '::ffff:127.0.0.1')).to.include({ address: '::ffff:127.0.0.1', family: 6 });
    expect(await peerOf(pal, '127.0.0.1', '::ffff:127.0.0.1')).to.include({ address: '127.0.0.1', family: 4 });
  });

  it('leaves the port to an IPv4 server with ipv6Only', async () => {
    const { pal } = fixture;
    const four = serverOnUnclaimedPort(pal, '0.0.0.0');
    const six = pal.createServer('::', four.port, { ipv6Only: true });
    const [, , atFour, atSix] = await Promise.all([
      connect(pal, '127.0.0.1', four.port),
      connect(pal, '::1', four.port),
      accept(pal, four.handle),
      accept(pal, six.handle),
    ]);
    expect([atFour.peer.address, atSix.peer.address]).to.deep.equal(['127.0.0.1', '::1']);
  });

  it('refuses IPv4 peers with ipv6Only', async () => {
    const { pal } = fixture;
    expect(await peerOf(pal, '::', '::1', { ipv6Only: true })).to.include({ address: '::1' });
    const server = serverOnUnclaimedPort(pal, '::', { ipv6Only: true });
    const error = await rejectionOf(connect(pal, '127.0.0.1', server.port));
    expect(error.kind).to.equal(NetworkErrorCode.ConnectionRefused);
  });

  it('refuses a port that is in use', () => {
    const { pal } = fixture;
    const { port } = pal.createServer('127.0.0.1', 0);
    const error = thrownBy(() => pal.createServer('127.0.0.1', port));
    expect(error).to.include({ code: 'EADDRINUSE', kind: NetworkErrorCode.AddressInUse });
    expect(error).to.include({ syscall: 'bind', address: '127.0.0.1', port, systemErrorCode: 10048 });
    expect(error.message).to.include(`127.0.0.1:${port}`);
    expect(pal.stats().sockets, 'nothing is left of it').to.equal(1);
  });

  it('gives its port back when it is closed', async () => {
    const { pal } = fixture;
    const { port, handle } = serverOnUnclaimedPort(pal);
    await close(pal, handle);
    expect(pal.createServer('127.0.0.1', port).port).to.equal(port);
  });

  it('refuses an address that is not of this machine', () => {
    // 192.0.2.0/24 is reserved for documentation.
    const error = thrownBy(() => fixture.pal.createServer('192.0.2.1', 0));
    expect(error).to.include({ code: 'EADDRNOTAVAIL', kind: NetworkErrorCode.AddressNotAvailable });
    expect(fixture.pal.stats().sockets).to.equal(0);
  });

  it('can be exclusive, or share its port', () => {
    const { pal } = fixture;
    const exclusive = pal.createServer('127.0.0.1', 0, { exclusive: true });
    expect(pal.getSocketOption(exclusive.handle, 'ExclusiveAddr')).to.equal(true);
    const error = thrownBy(() => pal.createServer('127.0.0.1', exclusive.port, { reuseAddr: true }));
    expect(error.kind).to.be.oneOf([NetworkErrorCode.PermissionDenied, NetworkErrorCode.AddressInUse]);
    const shared = pal.createServer('127.0.0.1', 0, { reuseAddr: true });
    expect(pal.getSocketOption(shared.handle, 'ReuseAddr')).to.equal(true);
    const plain = pal.createServer('127.0.0.1', 0);
    expect(pal.getSocketOption(plain.handle, 'ReuseAddr')).to.equal(false);
    expect(pal.getSocketOption(plain.handle, 'ExclusiveAddr')).to.equal(false);
  });

  it('gives accepted sockets their options', async () => {
    const { pal } = fixture;
    const { served } = await pair(pal, { noDelay: true, receiveBufferSize: 100_000, sendBufferSize: 50_000 });
    expect(pal.getSocketOption(served, 'NoDelay')).to.equal(true);
    expect(pal.getSocketOption(served, 'ReceiveBufferSize')).to.equal(100_000);
    expect(pal.getSocketOption(served, 'SendBufferSize')).to.equal(50_000);
  });

  it('refuses options that contradict each other or make no sense', () => {
    const { pal } = fixture;
    const refused: [ServerOptions, string, string][] = [
      [{ reuseAddr: true, exclusive: true }, '127.0.0.1', 'ERR_INVALID_ARG_VALUE'],
      [{ ipv6Only: true }, '127.0.0.1', 'ERR_INVALID_ARG_VALUE'],
      [{ backlog: 0 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ backlog: 1.5 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ acceptDepth: 0 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ acceptDepth: 1025 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ acceptDepth: '8' as unknown as number }, '127.0.0.1', 'ERR_INVALID_ARG_TYPE'],
      [{ acceptDepth: { min: 0 } }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ acceptDepth: { min: 64, max: 32 } }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ acceptDepth: null as unknown as number }, '127.0.0.1', 'ERR_INVALID_ARG_TYPE'],
      [{ maxConnections: 0 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ maxConnectionsPerAddress: -1 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ acceptRate: 0.5 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ whenFull: 'wait' as 'pause' }, '127.0.0.1', 'ERR_INVALID_ARG_VALUE'],
      [{ onLimit: 1 as unknown as () => void }, '127.0.0.1', 'ERR_INVALID_ARG_TYPE'],
      [{ onAcceptError: null as unknown as () => void }, '127.0.0.1', 'ERR_INVALID_ARG_TYPE'],
      [{ receiveBufferSize: -1 }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
      [{ sendBufferSize: Number.NaN }, '127.0.0.1', 'ERR_OUT_OF_RANGE'],
    ];
    for (const [options, address, code] of refused) {
      const error = thrownBy(() => pal.createServer(address, 0, options));
      expect(error.code, JSON.stringify(options)).to.equal(code);
    }
    expect(pal.stats()).to.include({ sockets: 0, pinnedBytes: 0 });
  });
});
