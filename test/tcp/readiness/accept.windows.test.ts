/** watch on a server, and tryAccept. */
import { expect } from 'chai';
import { WouldBlock, type NetworkPal, type ServerHandle, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { close, connect, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';
import { called, record } from './watching.ts';

/** Takes what there is, at most `most`. */
function takeSome(pal: NetworkPal, server: ServerHandle, most = Infinity): SocketHandle[] {
  const taken: SocketHandle[] = [];
  while (taken.length < most) {
    const socket = pal.tryAccept(server);
    if (socket === WouldBlock) break;
    taken.push(socket);
  }
  return taken;
}

onEveryBed('watch a server', (bed) => {
  const fixture = testPal(bed);

  it('says nothing while nobody comes, and tryAccept answers WouldBlock', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const calls = record(pal, server.handle, { readable: true, writable: true });
    expect(pal.tryAccept(server.handle)).to.equal(WouldBlock);
    await turns(20, bed);
    expect(calls).to.deep.equal([]);
  });

  it('200 connections, two per call: all are reported and taken, and are connections', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 8 });
    const served: SocketHandle[] = [];
    const calls = record(pal, server.handle, { readable: true }, () => {
      served.push(...takeSome(pal, server.handle, 2));
    });
    const count = 200;
    const clients = await Promise.all(Array.from({ length: count }, () => connect(pal, '127.0.0.1', server.port)));
    await until(
      () => served.length === count,
      () => `${count} connections, got ${served.length}`,
      bed,
    );
    expect(calls.length, 'calls').to.be.at.least(count / 2);
    expect(new Set(served).size).to.equal(count);
    expect(served.map((socket) => pal.getRemotePort(socket)).sort()).to.deep.equal(
      clients.map((socket) => pal.getLocalPort(socket)).sort(),
    );
    await write(pal, clients[0]!, seededBytes(20));
    const itsPeer = served.find((socket) => pal.getRemotePort(socket) === pal.getLocalPort(clients[0]!));
    expect((await readExactly(pal, itsPeer!, 20)).equals(seededBytes(20))).to.equal(true);
    await Promise.all(served.map((socket) => close(pal, socket)));
  });

  it('calls again and again while nobody takes, and takes nothing itself', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const calls = record(pal, server.handle, { readable: true });
    const client = await connect(pal, '127.0.0.1', server.port);
    await called(calls, 5, bed);
    expect(new Set(calls)).to.deep.equal(new Set(['readable']));
    pal.unwatch(server.handle);
    const served = takeSome(pal, server.handle);
    expect(served.map((socket) => pal.getRemotePort(socket))).to.deep.equal([pal.getLocalPort(client)]);
    await close(pal, served[0]!);
  });

  it('needs no watch: tryAccept alone finds what has come', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    await connect(pal, '127.0.0.1', server.port);
    let served: SocketHandle[] = [];
    await until(
      () => (served = takeSome(pal, server.handle)).length > 0,
      () => 'a connection',
      bed,
    );
    await close(pal, served[0]!);
  });

  it('an untaken connection is not lost between asynchronous and readiness calls', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const calls = record(pal, server.handle, { readable: true });
    const client = await connect(pal, '127.0.0.1', server.port);
    await called(calls, 1, bed);
    pal.unwatch(server.handle);
    const served = await new Promise<SocketHandle>((resolve) => {
      pal.asyncAccept(server.handle, (_error, socket) => resolve(socket));
    });
    expect(pal.getRemotePort(served)).to.equal(pal.getLocalPort(client));
  });
});
