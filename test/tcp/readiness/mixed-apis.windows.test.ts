/** Asynchronous and readiness calls on one socket: not at the same time, but one after another; and what the readiness calls refuse. */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { NetworkErrorCode, WouldBlock, type Interest, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { thrownBy } from '../../support/errors.ts';
import { close, pair, read, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns } from '../../support/until.ts';
import { record, watchExactly } from './watching.ts';

const nothing = (): void => undefined;

onEveryBed('mixing asynchronous and readiness calls', (bed) => {
  const fixture = testPal(bed);

  function expectMixed(call: () => unknown): void {
    const error = thrownBy(call);
    expect(error).to.include({ code: 'ERR_MIXED_APIS', kind: NetworkErrorCode.ConnectionFailed });
    expect(error.message).to.match(/one API at a time/);
  }

  it('asynchronous calls on a watched socket are refused, and the watch goes on', async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    const receiving = watchExactly(pal, client, 10);
    record(pal, server.handle, { readable: true });
    expectMixed(() => pal.asyncRead(client, new Uint8Array(1), 1, nothing));
    expectMixed(() => pal.asyncWrite(client, new Uint8Array(1), nothing));
    expectMixed(() => pal.asyncAccept(server.handle, nothing));
    await write(pal, served, seededBytes(10));
    expect((await receiving).equals(seededBytes(10))).to.equal(true);
  });

  it('a watch beside a pending read is refused, and the read gets its bytes', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const reading = read(pal, client);
    expectMixed(() => pal.watch(client, { readable: true }, nothing));
    expectMixed(() => pal.tryRead(client, new Uint8Array(1)));
    await write(pal, served, seededBytes(10));
    expect((await reading).equals(seededBytes(10))).to.equal(true);
  });

  it('a watch beside a pending write is refused, and the write arrives', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(8 * 1024 * 1024);
    const writing = write(pal, client, data);
    expectMixed(() => pal.watch(client, { writable: true }, nothing));
    expect(pal.tryWrite(client, seededBytes(1)), 'nothing may come in between').to.equal(WouldBlock);
    expect((await readExactly(pal, served, data.length)).equals(data)).to.equal(true);
    expect(await writing).to.equal(data.length);
  });

  it('a watch beside a pending accept is refused, and the accept gets its connection', async () => {
    const { pal } = fixture;
    const { server } = await pair(pal);
    const accepting = new Promise((resolve) => pal.asyncAccept(server.handle, resolve));
    expectMixed(() => pal.watch(server.handle, { readable: true }, nothing));
    expectMixed(() => pal.tryAccept(server.handle));
    pal.asyncConnect('127.0.0.1', server.port, {}, nothing);
    expect(await accepting).to.equal(null);
  });

  it("a watch may start while tryWrite's own send is under way", async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    expect(pal.tryWrite(client, seededBytes(200_000))).to.equal(200_000);
    record(pal, client, { readable: true, writable: true });
    expect((await readExactly(pal, served, 200_000)).equals(seededBytes(200_000))).to.equal(true);
  });
});

onEveryBed('one API after another', (bed) => {
  const fixture = testPal(bed);

  it('on the same socket, twenty rounds: every byte comes once, in order', async () => {
    // On WSAPoll, the zero-byte receive that unwatch leaves behind used to be overwritten by the next asyncRead, and
    // the next watch then waited for it in vain.
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(100 * 20);
    const received: Buffer[] = [];
    for (let round = 0; round < 20; round++) {
      const chunk = data.subarray(round * 100, (round + 1) * 100);
      // The order of the two steps alternates too: data before the reader, and after it.
      const early = round % 4 < 2;
      if (early) await write(pal, served, chunk);
      const receiving = round % 2 === 0 ? watchExactly(pal, client, 100) : readExactly(pal, client, 100);
      await turns(3, bed);
      if (!early) await write(pal, served, chunk);
      received.push(await receiving);
    }
    expect(Buffer.concat(received).equals(data)).to.equal(true);
  });

  it('unwatched while nothing came: the next asyncRead gets what comes, and the next watch too', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    for (let round = 0; round < 3; round++) {
      record(pal, client, { readable: true });
      await turns(5, bed); // the zero-byte receive is posted
      pal.unwatch(client);
      const reading = readExactly(pal, client, 10);
      await turns(5, bed);
      await write(pal, served, seededBytes(10, round));
      expect((await reading).equals(seededBytes(10, round))).to.equal(true);
      const watching = watchExactly(pal, client, 10);
      await turns(5, bed);
      await write(pal, served, seededBytes(10, round + 100));
      expect((await watching).equals(seededBytes(10, round + 100))).to.equal(true);
    }
  });

  it('tryWrite and asyncWrite: in order', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(300_000);
    const first = pal.tryWrite(client, data);
    const writing = write(pal, client, data.subarray(first));
    expect((await readExactly(pal, served, data.length)).equals(data)).to.equal(true);
    await writing;
  });
});

onEveryBed('what the readiness calls refuse', (bed) => {
  const fixture = testPal(bed);

  it('a watch for nothing', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    for (const interest of [{}, { readable: false }, { readable: undefined, writable: false }, 1, 'readable']) {
      const error = thrownBy(() => pal.watch(client, interest as Interest, nothing));
      expect(error, JSON.stringify(interest))
        .to.be.instanceOf(TypeError)
        .and.to.include({ code: 'ERR_INVALID_ARG_VALUE' });
      expect(error.message).to.match(/unwatch\(\) ends a watch/);
    }
    expect(pal.stats().pendingCallbacks).to.equal(0);
  });

  it('callbacks and buffers that are none', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const calls: Record<string, () => unknown> = {
      watch: () => pal.watch(client, { readable: true }, 7 as never),
      tryRead: () => pal.tryRead(client, 'text' as never),
      tryWrite: () => pal.tryWrite(client, [7] as never),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = thrownBy(call);
      expect(error, name).to.be.instanceOf(TypeError).and.to.include({ code: 'ERR_INVALID_ARG_TYPE' });
    }
  });

  it('empty and detached buffers', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const detached = new Uint8Array(10);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const buffers = { ERR_INVALID_ARG_VALUE: new Uint8Array(0), ERR_BUFFER_DETACHED: detached };
    for (const [code, buffer] of Object.entries(buffers)) {
      expect(thrownBy(() => pal.tryRead(client, buffer))).to.include({ code });
      expect(thrownBy(() => pal.tryWrite(client, buffer))).to.include({ code });
    }
  });

  it('handles of the wrong kind', async () => {
    const { pal } = fixture;
    const { client, server } = await pair(pal);
    const listener = server.handle as unknown as SocketHandle;
    for (const call of [
      () => pal.tryAccept(client as never),
      () => pal.tryRead(listener, new Uint8Array(1)),
      () => pal.tryWrite(listener, new Uint8Array(1)),
    ]) {
      expect(thrownBy(call)).to.be.instanceOf(TypeError).and.to.include({ code: 'ERR_INVALID_HANDLE_KIND' });
    }
  });

  it('handles that are closed, unknown, or not connected yet', async () => {
    const { pal } = fixture;
    const { client, server } = await pair(pal);
    await close(pal, client);
    const connecting = pal.asyncConnect('127.0.0.1', server.port, {}, nothing);
    const cases: [SocketHandle, string][] = [
      [12345 as SocketHandle, 'ERR_UNKNOWN_HANDLE'],
      [connecting, 'ENOTCONN'],
    ];
    for (const [handle, code] of cases) {
      expect(thrownBy(() => pal.watch(handle, { readable: true }, nothing))).to.include({ code });
      expect(thrownBy(() => pal.tryRead(handle, new Uint8Array(1)))).to.include({ code });
      expect(thrownBy(() => pal.tryWrite(handle, new Uint8Array(1)))).to.include({ code });
    }
    const told = await new Promise<unknown>((resolve) => pal.watch(client, { readable: true }, resolve));
    expect(told).to.include({ code: 'ECANCELED' });
    pal.unwatch(client);
    expect(pal.tryRead(client, new Uint8Array(1))).to.equal(0);
    expect(pal.tryWrite(client, new Uint8Array(1))).to.equal(WouldBlock);
    expect(pal.tryAccept(client as never)).to.equal(WouldBlock);
  });

  it('nothing: unwatch of a socket that is not watched', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    pal.unwatch(client);
    expect(pal.stats().pendingCallbacks).to.equal(0);
  });
});
