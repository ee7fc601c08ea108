/**
 * reuseSockets: nobody can tell, but stats(). Wine 8.0 cannot reuse sockets, which the library finds out by itself: then
 * nothing is reused, and everything works all the same.
 */
import { expect } from 'chai';
import type { ServerSocket, SocketHandle } from '../../../src/index.ts';
import { onEveryBed, simulatedWindows, simulatedWine } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { accept, close, connect, read, readExactly, readToEnd, reset, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';

onEveryBed('reused sockets', (bed) => {
  const fixture = testPal(bed);
  /** So many connections on reused sockets, `least` at least, or none. The simulation's Windows must, WSAPoll cannot. */
  const expectReused = (least: number): void => {
    const { reused } = fixture.pal.stats();
    if (bed === simulatedWindows) expect(reused).to.be.at.least(least);
    else if (bed === simulatedWine || bed.name.startsWith('wsapoll')) expect(reused).to.equal(0);
    else if (reused !== 0) expect(reused).to.be.at.least(least);
  };

  const meet = async (server: ServerSocket): Promise<{ client: SocketHandle; served: SocketHandle }> => {
    const { pal } = fixture;
    const [client, { socket }] = await Promise.all([
      connect(pal, '127.0.0.1', server.port),
      accept(pal, server.handle),
    ]);
    return { client, served: socket };
  };

  /** The client ends first; the server reads that, and closes. */
  const part = async ({ client, served }: { client: SocketHandle; served: SocketHandle }): Promise<void> => {
    const { pal } = fixture;
    pal.shutdown(client, 'send');
    expect(await read(pal, served)).to.have.lengthOf(0);
    const closed = close(pal, served);
    expect(await readToEnd(pal, client), 'the server ends in good order').to.have.lengthOf(0);
    await closed;
    await close(pal, client);
  };

  it('serve one connection after the other, each with its own bytes, handle and peer', async () => {
    const { pal } = fixture;
    const count = 30;
    const server = pal.createServer('127.0.0.1', 0, { reuseSockets: true, acceptDepth: 1, noDelay: true });
    const handles = new Set<SocketHandle>();
    for (let number = 0; number < count; number++) {
      const both = await meet(server);
      const { client, served } = both;
      handles.add(served);
      expect(pal.getRemotePort(served)).to.equal(pal.getLocalPort(client));
      expect(pal.getLocalPort(served)).to.equal(server.port);
      expect(pal.getSocketOption(served, 'NoDelay')).to.equal(true);
      const there = seededBytes(3000, number);
      await write(pal, client, there);
      expect((await readExactly(pal, served, 3000)).equals(there)).to.equal(true);
      const back = seededBytes(70_000, number + 1000);
      const writing = write(pal, served, back);
      expect((await readExactly(pal, client, 70_000)).equals(back)).to.equal(true);
      await writing;
      await part(both);
    }
    expect(handles.size, 'no handle comes twice').to.equal(count);
    // The pool of one is posted on a fresh socket before the first connection ends.
    expectReused(count - 2);
    expect(pal.stats().droppedPackets).to.equal(0);
  });

  it('serve many at a time', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { reuseSockets: true, acceptDepth: 8 });
    for (let round = 0; round < 4; round++) {
      const pairs = await Promise.all(Array.from({ length: 20 }, () => meet(server)));
      // connect and accept come in any order: each client says who it is.
      await Promise.all(pairs.map(({ client }, number) => write(pal, client, new Uint8Array([number]))));
      const clients = pairs.map(({ client }) => client);
      await Promise.all(
        pairs.map(async ({ served }) => {
          const [number = 0] = await readExactly(pal, served, 1);
          await part({ client: clients[number]!, served });
        }),
      );
    }
    expectReused(1);
  });

  it('are not those that were reset, ended from here, or given options', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { reuseSockets: true, acceptDepth: 1 });
    const ways: ((both: { client: SocketHandle; served: SocketHandle }) => Promise<unknown>)[] = [
      ({ served }) => reset(pal, served),
      ({ served }) => close(pal, served),
      async (both) => {
        pal.shutdown(both.served, 'send');
        await part(both);
      },
      async (both) => {
        pal.setSocketOption(both.served, 'KeepAlive', true);
        await part(both);
      },
    ];
    for (const way of ways) {
      const both = await meet(server);
      await way(both);
      await close(pal, both.client);
    }
    for (let times = 0; times < 3; times++) await close(pal, (await meet(server)).served);
    expect(pal.stats().reused).to.equal(0);
  });

  it('count for maxConnections until they are free', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { reuseSockets: true, maxConnections: 1 });
    for (let times = 0; times < 5; times++) await part(await meet(server));
    expect(pal.stats().accepted).to.equal(5);
    expectReused(1);
  });

  it('are closed with their server', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { reuseSockets: true });
    const first = await meet(server);
    const others = [await meet(server), await meet(server), await meet(server)];
    for (const both of others) await part(both);
    await close(pal, server.handle);
    await part(first);
    expect(pal.stats().sockets).to.equal(0);
  });
});
