/** Both end points of a connection are told with it, so that nobody has to ask the system. */
import { expect } from 'chai';
import type { ConnectOptions, Endpoint, NetworkPal, ServerHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { close, REFUSING_PORT } from '../../support/io.ts';
import { lookupIn } from '../../support/lookups.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

interface Told {
  readonly code: string | undefined;
  readonly handle: number;
  readonly peer: Endpoint;
  readonly local: Endpoint;
}

function connected(pal: NetworkPal, address: string, port: number, options: ConnectOptions = {}): Promise<Told> {
  return new Promise((resolve) => {
    pal.asyncConnect(address, port, options, (error, handle, peer, local) =>
      resolve({ code: error?.code, handle, peer, local }),
    );
  });
}

function accepted(pal: NetworkPal, server: ServerHandle): Promise<Told> {
  return new Promise((resolve) => {
    pal.asyncAccept(server, (error, handle, peer, local) => resolve({ code: error?.code, handle, peer, local }));
  });
}

onEveryBed('both end points', (bed) => {
  const fixture = sharedPal(bed);

  for (const [listen, dial, seen] of [
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1', '127.0.0.1'],
    ['::1', '::1', '::1'],
    ['::', '::1', '::1'],
    ['::', '127.0.0.1', '::ffff:127.0.0.1'],
  ] as const) {
    it(`of a server on ${listen} and a client that connects to ${dial}`, async () => {
      const { pal } = fixture;
      const server = pal.createServer(listen, 0);
      const [client, served] = await Promise.all([connected(pal, dial, server.port), accepted(pal, server.handle)]);
      const clientPort = client.local.port;
      expect(clientPort).to.be.above(0);
      const family = dial === '::1' ? 6 : 4;
      expect(client).to.deep.include({ code: undefined, peer: { address: dial, port: server.port, family } });
      expect(client.local).to.deep.equal({ address: dial, port: clientPort, family });
      const serverFamily = seen.includes(':') ? 6 : 4;
      expect(served.local).to.deep.equal({ address: seen, port: server.port, family: serverFamily });
      expect(served.peer).to.deep.equal({ address: seen, port: clientPort, family: serverFamily });
    });
  }

  it('of a connection by name: those of the attempt that has succeeded', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const { lookup } = lookupIn({ 4: ['127.0.0.1'] });
    const [client, served] = await Promise.all([
      connected(pal, 'host.test', server.port, { lookup }),
      accepted(pal, server.handle),
    ]);
    expect(client.peer).to.deep.equal(served.local);
    expect(client.local).to.deep.equal(served.peer);
  });

  it('are the ones that the address calls answer, without another question to the system', async () => {
    const { pal } = fixture;
    const server = pal.createServer('0.0.0.0', 0);
    const [client, served] = await Promise.all([
      connected(pal, '127.0.0.1', server.port),
      accepted(pal, server.handle),
    ]);
    const { getsockname, getpeername } = pal.stats().syscalls;
    for (const { handle, peer, local } of [client, served]) {
      const socket = handle as Parameters<NetworkPal['getRemotePort']>[0];
      expect([pal.getLocalAddress(socket), pal.getLocalPort(socket)]).to.deep.equal([local.address, local.port]);
      expect([pal.getRemoteAddress(socket), pal.getRemotePort(socket)]).to.deep.equal([peer.address, peer.port]);
    }
    expect(pal.stats().syscalls).to.include({ getsockname, getpeername });
  });

  it('are nobody’s with an error', async () => {
    const { pal } = fixture;
    const nobody = { address: '', port: 0, family: 4 };
    const refused = await connected(pal, '127.0.0.1', REFUSING_PORT);
    expect(refused).to.deep.include({ code: 'ECONNREFUSED', peer: nobody, local: nobody });
    const server = pal.createServer('127.0.0.1', 0);
    const waiting = accepted(pal, server.handle);
    await close(pal, server.handle);
    expect(await waiting).to.deep.equal({ code: 'ECANCELED', handle: 0, peer: nobody, local: nobody });
    const late = await accepted(pal, server.handle);
    expect(late).to.deep.equal({ code: 'ECANCELED', handle: 0, peer: nobody, local: nobody });
  });

  it('are there although the peer has reset the connection meanwhile', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const { accepted: before } = pal.stats();
    const client = await connected(pal, '127.0.0.1', server.port);
    await until(
      () => pal.stats().accepted > before,
      () => 'the connection to be accepted',
      bed,
    );
    const heard = new Promise<void>((resolve) => {
      pal.resetSocket(client.handle as Parameters<NetworkPal['resetSocket']>[0], resolve);
    });
    await heard;
    const served = await accepted(pal, server.handle);
    expect(served.peer).to.deep.equal(client.local);
    expect(served.local).to.deep.equal(client.peer);
  });
});
