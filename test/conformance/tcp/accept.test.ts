/** asyncAccept: in order, before and after the connections come, and never more of them than the pool is deep. */
import { expect } from 'chai';
import type { SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed } from '../../support/errors.ts';
import { accept, close, connect, read, readExactly, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

onEveryBed('accept', (bed) => {
  const fixture = testPal(bed);

  it('serves many waiting accepts in the order of the calls', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const order: number[] = [];
    const accepted = Array.from({ length: 50 }, (_, index) =>
      accept(pal, server.handle).then((result) => {
        order.push(index);
        return result;
      }),
    );
    const clients = await Promise.all(accepted.map(() => connect(pal, '127.0.0.1', server.port)));
    const peers = await Promise.all(accepted);
    expect(order).to.deep.equal([...Array(50).keys()]);
    const ports = clients.map((client) => pal.getLocalPort(client));
    expect(peers.map(({ peer }) => peer.port).sort()).to.deep.equal(ports.sort());
  });

  it('takes connections that came before it was called', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(pal, '127.0.0.1', server.port)));
    await Promise.all(clients.map((client, index) => write(pal, client, seededBytes(10, index))));
    const served = [];
    for (const _ of clients) served.push((await accept(pal, server.handle)).socket);
    for (const socket of served) {
      const index = clients.findIndex((client) => pal.getLocalPort(client) === pal.getRemotePort(socket));
      expect((await readExactly(pal, socket, 10)).equals(seededBytes(10, index))).to.equal(true);
    }
  });

  it('with an error there is a handle and a peer, which are nobody', async () => {
    const { pal } = fixture;
    const { handle } = pal.createServer('127.0.0.1', 0);
    const heard: unknown[][] = [];
    pal.asyncAccept(handle, (error, client, peer) => heard.push([error?.code, client, peer.address, peer.port]));
    await close(pal, handle);
    pal.asyncAccept(handle, (error, client, peer) => heard.push([error?.code, client, peer.address, peer.port]));
    await until(
      () => heard.length === 2,
      () => 'both to be answered',
      bed,
    );
    expect(heard).to.deep.equal(Array(2).fill(['ECANCELED', 0, '', 0]));
  });

  it('is not flooded: untaken connections are bounded by acceptDepth', async () => {
    const { pal } = fixture;
    const depth = 4;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: depth });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(pal, '127.0.0.1', server.port)));
    await until(
      () => pal.stats().accepted === depth,
      () => 'the pool to be full',
      bed,
    );
    expect(pal.stats().operations.accept).to.equal(0);
    expect(pal.stats().sockets).to.equal(1 + clients.length + depth);
    for (const _ of clients) await accept(pal, server.handle);
    expect(pal.stats().accepted).to.equal(clients.length);
  });

  it('from its own callback takes the next', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const sockets: SocketHandle[] = [];
    const take = (): void =>
      void pal.asyncAccept(server.handle, (error, socket) => {
        if (error !== null) return;
        sockets.push(socket);
        take();
      });
    take();
    await Promise.all(Array.from({ length: 20 }, () => connect(pal, '127.0.0.1', server.port)));
    await until(
      () => sockets.length === 20,
      () => `20 accepts, got ${sockets.length}`,
      bed,
    );
    expect(new Set(sockets).size).to.equal(20);
  });

  it('ends with ConnectionClosed when the server closes, before the close callback', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const outcomes = new Outcomes();
    for (let index = 0; index < 5; index++) pal.asyncAccept(server.handle, outcomes.expect(`accept ${index}`));
    pal.closeSocket(server.handle, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal([...[0, 1, 2, 3, 4].map((index) => `accept ${index} ECANCELED`), 'close ok']);
    for (let index = 0; index < 5; index++) expectClosed(outcomes.errors.get(`accept ${index}`));
    expect(outcomes.values.get('accept 0'), 'no handle').to.equal(0);
  });

  it('a server that closes lets its connections live', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const [client, { socket }] = await Promise.all([
      connect(pal, '127.0.0.1', server.port),
      accept(pal, server.handle),
    ]);
    await close(pal, server.handle);
    await write(pal, client, seededBytes(100));
    expect((await readExactly(pal, socket, 100)).equals(seededBytes(100))).to.equal(true);
  });

  it('a server that closes breaks connections that nobody has taken', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const client = await connect(pal, '127.0.0.1', server.port);
    await until(
      () => pal.stats().accepted === 1,
      () => 'the connection to be accepted',
      bed,
    );
    const ending = read(pal, client).then(
      (bytes) => `${bytes.length} bytes`,
      (error: unknown) => (error as { code: string }).code,
    );
    await close(pal, server.handle);
    expect(await ending).to.be.oneOf(['ECONNRESET', '0 bytes']);
    await until(
      () => pal.stats().sockets === 1,
      () => pal.describe(),
      bed,
    );
  });
});
