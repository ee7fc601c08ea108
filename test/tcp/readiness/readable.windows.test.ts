/** watch({ readable }) and tryRead: level-triggered, as in poll. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { NetworkErrorCode, WouldBlock, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { thrownBy } from '../../support/errors.ts';
import { close, pair, reset, setLingerZero, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';
import { called, readable, record, tryReadBytes, watchExactly } from './watching.ts';

/** Long enough for a call that should not come: readiness on loopback takes a few milliseconds, here also under Wine. */
const SILENCE_MS = 40;

onEveryBed('watch readable', (bed) => {
  const fixture = testPal(bed);

  it('says nothing while there is nothing to read', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const calls = record(pal, client, { readable: true });
    expect(pal.tryRead(client, new Uint8Array(10))).to.equal(WouldBlock);
    await sleep(SILENCE_MS);
    expect(calls).to.deep.equal([]);
  });

  it('calls in a later turn, also for data that is there', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, served, seededBytes(1));
    const calls = record(pal, client, { readable: true });
    expect(calls, 'inside watch').to.deep.equal([]);
    await called(calls, 1, bed);
  });

  it('calls again while data is left, and stops when it is drained', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const counts: number[] = [];
    const calls = record(pal, client, { readable: true }, () => {
      counts.push(pal.tryRead(client, new Uint8Array(30)));
    });
    await write(pal, served, seededBytes(100));
    await called(calls, 4, bed);
    await sleep(SILENCE_MS);
    expect(counts.filter((count) => count !== WouldBlock)).to.deep.equal([30, 30, 30, 10]);
    // A call may turn out to be for nothing, as in poll; but they do not go on.
    expect(counts.length).to.be.at.most(5);
    expect(pal.tryRead(client, new Uint8Array(30))).to.equal(WouldBlock);
    const before = calls.length;
    await write(pal, served, seededBytes(1));
    await called(calls, before + 1, bed);
  });

  it('takes at most 64 KiB at a time, into a pinned buffer too', async () => {
    // A pinned buffer used to be filled to its end, whatever its size.
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const pinned = pal.allocateBuffer(200_000);
    await write(pal, served, seededBytes(200_000));
    const counts: number[] = [];
    let got = 0;
    while (got < 200_000) {
      await readable(pal, client);
      const count = pal.tryRead(client, pinned);
      if (count === WouldBlock) continue;
      expect(pinned.subarray(0, count).equals(seededBytes(200_000).subarray(got, got + count))).to.equal(true);
      counts.push(count);
      got += count;
    }
    expect(Math.max(...counts)).to.be.at.most(65536);
  });

  it('calls again and again while nobody reads, and takes nothing itself', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const calls = record(pal, client, { readable: true });
    await write(pal, served, seededBytes(50));
    await called(calls, 5, bed);
    expect(calls.slice(0, 5)).to.deep.equal(Array(5).fill('readable'));
    expect(pal.stats().bytesReceived).to.equal(0);
    expect(tryReadBytes(pal, client)?.equals(seededBytes(50))).to.equal(true);
  });

  it('fills a pinned buffer in place', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const buffer = pal.allocateBuffer(64);
    await write(pal, served, seededBytes(40));
    await readable(pal, client);
    expect(pal.tryRead(client, buffer)).to.equal(40);
    expect(buffer.subarray(0, 40).equals(seededBytes(40))).to.equal(true);
  });

  it('the end of the stream is readable, as 0 bytes, as often as it is asked for', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const calls = record(pal, client, { readable: true });
    pal.shutdown(served, 'send');
    await called(calls, 3, bed);
    for (let time = 0; time < 3; time++) expect(pal.tryRead(client, new Uint8Array(1))).to.equal(0);
  });

  it('data before the end comes before the end', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    void write(pal, served, seededBytes(100));
    pal.shutdown(served, 'send');
    expect((await watchExactly(pal, client, 100)).equals(seededBytes(100))).to.equal(true);
    await readable(pal, client);
    expect(pal.tryRead(client, new Uint8Array(1))).to.equal(0);
  });

  const resets: Record<string, (pal: NetworkPal, socket: SocketHandle) => Promise<void>> = {
    resetSocket: reset,
    'a close with linger 0': (pal, socket) => {
      setLingerZero(pal, socket);
      return close(pal, socket);
    },
  };
  for (const [way, breakConnection] of Object.entries(resets)) {
    it(`${way} of the peer is readable, and tryRead throws ECONNRESET each time`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const calls = record(pal, client, { readable: true });
      // The zero-byte receive must be waiting when the RST comes: under Wine 8 one that comes after it is told of an
      // ordinary end (its tests mark that todo_wine: dlls/ws2_32/tests/sock.c, test_WSARecv and test_nonblocking).
      await turns(5, bed);
      await breakConnection(pal, served);
      await called(calls, 2, bed);
      for (let time = 0; time < 2; time++) {
        const error = thrownBy(() => pal.tryRead(client, new Uint8Array(1)));
        expect(error).to.include({ code: 'ECONNRESET', kind: NetworkErrorCode.ConnectionReset });
      }
    });
  }

  it("shutdown('receive') while watched is readable, as the end", async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const calls = record(pal, client, { readable: true });
    await turns(5, bed);
    pal.shutdown(client, 'receive');
    await called(calls, 1, bed);
    expect(pal.tryRead(client, new Uint8Array(1))).to.equal(0);
  });

  it('with writable as well: a socket that is always writable does not hide what comes to be read', async () => {
    // tell() used to post the zero-byte receive only when nothing was ready, which an idle sender always is.
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const calls = record(pal, client, { readable: true, writable: true }, (count) => {
      if (count === 3) pal.asyncWrite(served, seededBytes(10), () => undefined);
      if (calls.at(-1) === 'both') pal.unwatch(client);
    });
    await called(calls, 1, bed);
    expect(calls[0]).to.equal('writable');
    await until(
      () => calls.at(-1) === 'both',
      () => `'both'; came: ${calls.at(-1)}`,
      bed,
    );
    expect(tryReadBytes(pal, client)?.equals(seededBytes(10))).to.equal(true);
  });

  it('on many sockets at a time: each gets its own bytes', async () => {
    const { pal } = fixture;
    const pairs = [];
    for (let index = 0; index < 50; index++) pairs.push(await pair(pal));
    const receiving = pairs.map(({ client }, index) => watchExactly(pal, client, 100 + index));
    await Promise.all(pairs.map(({ served }, index) => write(pal, served, seededBytes(100 + index, index))));
    const received = await Promise.all(receiving);
    received.forEach((bytes, index) => expect(bytes.equals(seededBytes(100 + index, index))).to.equal(true));
  });
});

onEveryBed("shutdown('receive') and tryRead", (bed) => {
  const fixture = testPal(bed);

  it('from then on there is the end of the stream, for a new watch too', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    pal.shutdown(client, 'receive');
    expect(pal.tryRead(client, new Uint8Array(1))).to.equal(0);
    await readable(pal, client);
    expect(pal.tryWrite(client, seededBytes(10)), 'the other direction lives').to.equal(10);
    expect((await watchExactly(pal, served, 10)).equals(seededBytes(10))).to.equal(true);
  });
});

onEveryBed('watch readable without operations left', (bed) => {
  const most = 16;
  const fixture = testPal(bed, { maxOperations: most });

  it('waits for one and goes on: the connection does not stay broken', async () => {
    // The watch used to keep ERR_TOO_MANY_OPERATIONS as the connection's failure, for ever.
    const { pal } = fixture;
    const pairs = [];
    for (let count = 0; count < 9; count++) {
      const made = await pair(pal);
      await close(pal, made.server.handle);
      pairs.push(made);
    }
    const sockets = pairs.flatMap(({ client, served }) => [client, served]);
    const [spare, itsPeer, ...others] = sockets;
    for (const socket of others) pal.asyncRead(socket, new Uint8Array(1), 1, () => undefined);
    expect(pal.stats().freeSlots).to.equal(0);
    const waiting = watchExactly(pal, spare!, 10);
    await turns(10, bed);
    // One operation for the watch, and one for the write.
    await Promise.all(others.slice(0, 2).map((socket) => close(pal, socket)));
    await write(pal, itsPeer!, seededBytes(10));
    expect((await waiting).equals(seededBytes(10))).to.equal(true);
  });
});
