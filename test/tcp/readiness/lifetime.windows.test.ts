/** How a watch is replaced and how it ends; its callback may do anything meanwhile, and may throw. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { NetworkErrorCode, type AnyHandle, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { close, pair, reset, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { collectUncaught } from '../../support/uncaught.ts';
import { turns } from '../../support/until.ts';
import { called, record, tryReadBytes } from './watching.ts';

/** Long enough for calls that should not come. */
const SILENCE_MS = 30;

onEveryBed('a watch', (bed) => {
  const fixture = testPal(bed);

  /** A connection with something to read, so that a readable watch on it calls in each turn. */
  async function noisy(): Promise<{ pal: NetworkPal; client: SocketHandle; served: SocketHandle; server: AnyHandle }> {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    await write(pal, served, seededBytes(100));
    return { pal, client, served, server: server.handle };
  }

  it('is replaced by the next: the first callback is not called any more', async () => {
    const { pal, client } = await noisy();
    const first = record(pal, client, { readable: true });
    await called(first, 2, bed);
    const second = record(pal, client, { writable: true });
    const before = first.length;
    await called(second, 3, bed);
    expect(first.length).to.equal(before);
    expect(new Set(second), 'the interest is the new one').to.deep.equal(new Set(['writable']));
    expect(pal.stats().pendingCallbacks, 'one watch').to.equal(1);
  });

  it('can be replaced from inside its callback', async () => {
    const { pal, client } = await noisy();
    let second: string[] = [];
    const first = record(pal, client, { readable: true }, () => {
      second = record(pal, client, { readable: true });
    });
    await called(first, 1, bed);
    await turns(2, bed);
    await called(second, 2, bed);
    expect(first).to.deep.equal(['readable']);
  });

  it('keeps its interest, whatever becomes of the object that named it', async () => {
    const { pal, client } = await noisy();
    const interest = { readable: true, writable: false };
    const calls = record(pal, client, interest);
    interest.readable = false;
    interest.writable = true;
    await called(calls, 2, bed);
    expect(new Set(calls)).to.deep.equal(new Set(['readable']));
  });

  it('unwatch ends it: no call comes any more', async () => {
    const { pal, client } = await noisy();
    const calls = record(pal, client, { readable: true });
    await called(calls, 2, bed);
    pal.unwatch(client);
    const before = calls.length;
    await sleep(SILENCE_MS);
    expect(calls.length).to.equal(before);
    expect(pal.stats().pendingCallbacks).to.equal(0);
    expect(tryReadBytes(pal, client)?.length, 'nothing was lost').to.equal(100);
  });

  it('unwatch before the first call: none comes', async () => {
    const { pal, client } = await noisy();
    const calls = record(pal, client, { readable: true, writable: true });
    pal.unwatch(client);
    await sleep(SILENCE_MS);
    expect(calls).to.deep.equal([]);
  });

  it('unwatch from inside the callback ends it, and twice is as good as once', async () => {
    const { pal, client } = await noisy();
    const calls = record(pal, client, { readable: true }, () => {
      pal.unwatch(client);
      pal.unwatch(client);
    });
    await called(calls, 1, bed);
    await sleep(SILENCE_MS);
    expect(calls).to.deep.equal(['readable']);
  });

  it('watched again after unwatch: calls go on, to the new callback only', async () => {
    const { pal, client } = await noisy();
    const first = record(pal, client, { readable: true });
    await called(first, 1, bed);
    pal.unwatch(client);
    const before = first.length;
    const second = record(pal, client, { readable: true });
    await called(second, 2, bed);
    expect(first.length).to.equal(before);
  });

  const endings: Record<string, (pal: NetworkPal, socket: SocketHandle) => Promise<void>> = { close, reset };
  for (const [name, end] of Object.entries(endings)) {
    it(`${name} of an idle socket: one last call with ConnectionClosed, before the close callback`, async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      const log: string[] = [];
      pal.watch(client, { readable: true }, (error, readable, writable) => {
        log.push(error?.code ?? 'ready');
        expect(error?.kind).to.equal(NetworkErrorCode.ConnectionClosed);
        expect([readable, writable]).to.deep.equal([false, false]);
      });
      await turns(5, bed);
      const closed = end(pal, client).then(() => log.push('closed'));
      expect(log, 'inside the call').to.deep.equal([]);
      await closed;
      await turns(5, bed);
      expect(log).to.deep.equal(['ECANCELED', 'closed']);
    });

    it(`${name} of a busy one: the same, and no readiness is reported after it`, async () => {
      const { pal, client } = await noisy();
      const calls = record(pal, client, { readable: true, writable: true });
      await called(calls, 3, bed);
      const before = calls.length;
      await end(pal, client);
      calls.push('closed');
      await turns(5, bed);
      expect(calls.slice(before)).to.deep.equal(['ECANCELED', 'closed']);
    });
  }

  it('close from inside the callback: the last call is a call of its own', async () => {
    const { pal, client } = await noisy();
    const log: string[] = [];
    await new Promise<void>((resolve) => {
      pal.watch(client, { readable: true }, (error) => {
        log.push(error?.code ?? 'ready');
        if (error === null) pal.closeSocket(client, resolve);
        log.push('out');
      });
    });
    await turns(5, bed);
    expect(log).to.deep.equal(['ready', 'out', 'ECANCELED', 'out']);
  });

  it('close of a server', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const calls = record(pal, server.handle, { readable: true });
    await close(pal, server.handle);
    expect(calls).to.deep.equal(['ECANCELED']);
  });

  it('after unwatch, close calls nothing back', async () => {
    const { pal, client } = await noisy();
    const calls = record(pal, client, { readable: true });
    pal.unwatch(client);
    await close(pal, client);
    expect(calls).to.deep.equal([]);
  });

  it('stopEventLoop ends every watch', async () => {
    const { pal, client, served, server } = await noisy();
    const all = [client, served, server].map((socket) => record(pal, socket, { readable: true }));
    await turns(5, bed);
    await pal.stopEventLoop();
    for (const calls of all) expect(calls.filter((call) => call === 'ECANCELED')).to.have.length(1);
    for (const calls of all) expect(calls.at(-1)).to.equal('ECANCELED');
  });

  it('keeps the process alive', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    record(pal, client, { readable: true });
    expect(pal.stats().pendingCallbacks).to.equal(1);
    pal.unref(client);
    pal.ref(client);
    pal.unwatch(client);
    expect(pal.stats().pendingCallbacks).to.equal(0);
  });

  it('outlives a callback that throws', async () => {
    const { pal, client } = await noisy();
    let calls: readonly string[] = [];
    const thrown = await collectUncaught(async () => {
      calls = record(pal, client, { readable: true }, (count) => {
        if (count === 2) throw new Error('from a watch callback');
      });
      await called(calls, 4, bed);
    });
    expect(thrown.map(({ message }) => message)).to.deep.equal(['from a watch callback']);
    expect(new Set(calls)).to.deep.equal(new Set(['readable']));
  });
});
