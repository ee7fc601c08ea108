/** stats() and describe(): the counters count what they say, and the text names what is open. */
import { expect } from 'chai';
import { NetworkErrorCode } from '../../src/index.ts';
import { onEveryBed } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { thrownBy } from '../support/errors.ts';
import { close, connect, pair, readExactly, REFUSING_PORT, write } from '../support/io.ts';
import { testPal } from '../support/pal-fixture.ts';

onEveryBed('stats', (bed) => {
  const fixture = testPal(bed);

  it('start at zero', () => {
    const stats = fixture.pal.stats();
    expect(stats.operations).to.deep.equal({ receive: 0, send: 0, accept: 0, connect: 0 });
    expect(stats).to.include({ sockets: 0, servers: 0, pendingCallbacks: 0, accepted: 0, connected: 0 });
    expect(stats).to.include({ bytesReceived: 0, bytesSent: 0, queuedBytes: 0, pinnedBytes: 0 });
    expect(stats).to.include({ acceptErrors: 0, droppedPackets: 0 });
    expect(stats.freeSlots).to.equal(stats.slots);
    expect(stats.slots).to.equal(65536);
  });

  it('count sockets, connections and bytes', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await Promise.all([write(pal, client, seededBytes(100_000)), readExactly(pal, served, 100_000)]);
    await Promise.all([write(pal, served, seededBytes(5)), readExactly(pal, client, 5)]);
    const stats = pal.stats();
    expect(stats).to.include({ sockets: 3, servers: 1, accepted: 1, connected: 1 });
    expect(stats).to.include({ bytesSent: 100_005, bytesReceived: 100_005, queuedBytes: 0 });
    await close(pal, client);
    expect(pal.stats().sockets).to.equal(2);
  });

  it('count pending callbacks of every kind', async () => {
    const { pal } = fixture;
    const { client, server } = await pair(pal);
    const nothing = (): void => undefined;
    pal.asyncAccept(server.handle, nothing);
    pal.asyncAccept(server.handle, nothing);
    pal.asyncRead(client, new Uint8Array(1), 1, nothing);
    pal.asyncRead(client, new Uint8Array(1), 1, nothing);
    expect(pal.stats().pendingCallbacks).to.equal(4);
    pal.closeSocket(client, nothing);
    expect(pal.stats().pendingCallbacks, 'with the close').to.equal(5);
  });

  it('a snapshot does not change afterwards', async () => {
    const { pal } = fixture;
    const before = pal.stats();
    const copy = structuredClone(before);
    await pair(pal);
    expect(before).to.deep.equal(copy);
    expect(pal.stats().sockets).to.equal(3);
  });

  it('a failed connect counts as none', async () => {
    const { pal } = fixture;
    await connect(pal, '127.0.0.1', REFUSING_PORT).catch(() => undefined);
    expect(pal.stats()).to.include({ connected: 0, sockets: 0 });
  });
});

onEveryBed('describe()', (bed) => {
  const fixture = testPal(bed);

  it('names every socket with its state, its peer and the place that made it', async () => {
    const { pal } = fixture;
    const { server, client, served } = await pair(pal);
    const nothing = (): void => undefined;
    pal.asyncRead(client, new Uint8Array(77), 77, nothing);
    pal.asyncWrite(served, new Uint8Array(10), nothing);
    const text = pal.describe();
    expect(text).to.match(/^3 sockets/);
    for (const handle of [server.handle, client, served]) expect(text).to.include(`socket ${handle} `);
    expect(text).to.include('READING').and.to.include('WRITING').and.to.include('LISTENING');
    expect(text).to.include(`127.0.0.1 port ${server.port}`);
    expect(text).to.include('read of up to 77 bytes');
    expect(text).to.include('10 bytes queued');
    expect(text, 'the lines of this test').to.include('stats.test');
  });

  it('has one line without origins, when there is nothing', () => {
    expect(fixture.pal.describe()).to.match(/^0 sockets[^\n]*$/);
  });
});

onEveryBed('maxOperations', (bed) => {
  const most = 16;
  const fixture = testPal(bed, { maxOperations: most });

  it('exhausted refuses further operations, with advice, and recovers', async () => {
    const { pal } = fixture;
    const pairs = [];
    for (let count = 0; count < 9; count++) {
      const made = await pair(pal);
      await close(pal, made.server.handle);
      pairs.push(made);
    }
    const sockets = pairs.flatMap(({ client, served }) => [client, served]);
    expect(pal.stats()).to.include({ slots: most, freeSlots: most });
    const nothing = (): void => undefined;
    for (const socket of sockets.slice(0, most)) pal.asyncRead(socket, new Uint8Array(1), 1, nothing);
    expect(pal.stats().freeSlots).to.equal(0);
    const spare = sockets[most]!;
    for (const call of [
      () => pal.asyncRead(spare, new Uint8Array(1), 1, nothing),
      () => pal.asyncWrite(spare, new Uint8Array(1), nothing),
    ]) {
      const error = thrownBy(call);
      expect(error).to.include({ code: 'ERR_TOO_MANY_OPERATIONS', kind: NetworkErrorCode.ResourceExhausted });
      expect(error.message).to.match(/all 16 are under way\. Raise maxOperations/);
    }
    const refused = await connect(pal, '127.0.0.1', 1).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'ERR_TOO_MANY_OPERATIONS' });
    expect(pal.stats()).to.include({ pendingCallbacks: most, queuedBytes: 0 });
    // A second read on a socket that reads already needs no slot.
    pal.asyncRead(sockets[0]!, new Uint8Array(1), 1, nothing);
    await close(pal, sockets[0]!);
    await write(pal, spare, seededBytes(1));
    expect((await readExactly(pal, sockets[most + 1]!, 1)).equals(seededBytes(1))).to.equal(true);
  });
});
