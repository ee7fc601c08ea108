/** Many connections: at the same time, and one after another. */
import process from 'node:process';
import { expect } from 'chai';
import { NetworkErrorCode } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { isLong } from '../../support/extent.ts';
import { seededBytes } from '../../support/bytes.ts';
import { accept, close, connect, echo, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

/** Below what a system's queue of connections holds, so that none has to be tried again after a second. */
const AT_A_TIME = 100;

onEveryBed('many connections', (bed) => {
  const fixture = testPal(bed);
  // What grows with their number is the same code on a simulated platform; the seconds are the test's own.
  const count = process.env['IOCP_PAL_REAL'] !== undefined || isLong ? 1000 : 300;

  it(`${count} at the same time, each with its own data`, async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { backlog: 1000 });
    const served: Promise<void>[] = [];
    const clients = [];
    for (let first = 0; first < count; first += AT_A_TIME) {
      const accepting = Array.from({ length: AT_A_TIME }, () => accept(pal, server.handle));
      clients.push(...(await Promise.all(accepting.map(() => connect(pal, '127.0.0.1', server.port)))));
      for (const { socket } of await Promise.all(accepting)) served.push(echo(pal, socket));
    }
    expect(pal.stats()).to.include({ sockets: 1 + 2 * count, connected: count, accepted: count });
    for (let round = 0; round < 2; round++) {
      await Promise.all(
        clients.map(async (client, index) => {
          const sent = seededBytes(64 + (index % 100), index + round);
          await write(pal, client, sent);
          expect((await readExactly(pal, client, sent.length)).equals(sent), `connection ${index}`).to.equal(true);
        }),
      );
    }
    await Promise.all(clients.map((client) => close(pal, client)));
    await Promise.all(served);
    expect(pal.stats()).to.include({ sockets: 1, pendingCallbacks: 0 });
  });

  it('600 that connect in one turn, to a server with the default backlog: nobody is refused', async () => {
    const { pal } = fixture;
    const count = 600;
    const server = pal.createServer('127.0.0.1', 0);
    const connecting = Array.from({ length: count }, () => connect(pal, '127.0.0.1', server.port));
    const clients = await Promise.all(connecting);
    const accepted = await Promise.all(clients.map(() => accept(pal, server.handle)));
    expect(pal.stats()).to.include({ connected: count, accepted: count, acceptErrors: 0 });
    await Promise.all([...clients, ...accepted.map(({ socket }) => socket)].map((socket) => close(pal, socket)));
  });

  it('1000 idle ones with a read pending pin less than 1 KiB each', async () => {
    const { pal } = fixture;
    const count = 1000;
    const server = pal.createServer('127.0.0.1', 0, { backlog: 1000 });
    const connections = [];
    for (let first = 0; first < count / 2; first += AT_A_TIME) {
      const accepting = Array.from({ length: AT_A_TIME }, () => accept(pal, server.handle));
      connections.push(...(await Promise.all(accepting.map(() => connect(pal, '127.0.0.1', server.port)))));
      connections.push(...(await Promise.all(accepting)).map(({ socket }) => socket));
    }
    await close(pal, server.handle);
    let closed = 0;
    const target = new Uint8Array(65536);
    for (const socket of connections) {
      pal.asyncRead(socket, target, 65536, (error) => {
        if (error?.kind === NetworkErrorCode.ConnectionClosed) closed++;
      });
    }
    const { pinnedBytes } = pal.stats();
    expect(pinnedBytes / count).to.be.below(1024);
    await Promise.all(connections.map((socket) => close(pal, socket)));
    expect(closed, 'reads that were answered').to.equal(count);
  });

  it('2000 rapid ones, of both ways to close', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { backlog: 1000 });
    let accepted = 0;
    const take = (): void =>
      void pal.asyncAccept(server.handle, (error, socket) => {
        if (error !== null) return;
        accepted++;
        pal.closeSocket(socket);
        take();
      });
    take();
    const total = 2000;
    let started = 0;
    const churn = async (): Promise<void> => {
      while (started < total) {
        const abrupt = started++ % 2 === 0;
        const socket = await connect(pal, '127.0.0.1', server.port);
        if (abrupt) pal.resetSocket(socket);
        else await close(pal, socket);
      }
    };
    await Promise.all(Array.from({ length: 20 }, churn));
    await until(
      // A connection that its client reset while it still waited to be accepted may be gone instead.
      () => accepted + pal.stats().acceptErrors >= total,
      () => `${total} accepts: ${accepted} and ${pal.stats().acceptErrors} failed`,
      bed,
    );
    expect(pal.stats().connected).to.equal(total);
  });
});
