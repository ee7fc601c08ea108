/**
 * A watch is called once per turn of the loop, however many rounds a turn has: it is level-triggered, so a socket that is always
 * ready would otherwise be called in each of them, and nothing else of the thread would get its turn.
 */
import { expect } from 'chai';
import type { AnyHandle, Interest, NetworkPal } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { accept, connect, pair, read, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { called, ready, record, tryReadBytes } from './watching.ts';

/** Calls that are waited for. */
const CALLS = 20;

/**
 * Counts calls by turns. A turn is one macrotask, in which callbacks follow one another without a microtask in between: that
 * comes behind it.
 */
class PerTurn {
  readonly counts: number[] = [];
  #current = 0;

  /** Call in each callback. */
  readonly count = (): void => {
    this.#current++;
    if (this.#current > 1) return;
    queueMicrotask(() => {
      this.counts.push(this.#current);
      this.#current = 0;
    });
  };

  /** Fails unless there were so many turns, each with one call. */
  expectOne(least: number): void {
    expect(this.counts).to.deep.equal(this.counts.map(() => 1));
    expect(this.counts.length).to.be.at.least(least);
  }
}

onEveryBed('a watch is called once per turn', (bed) => {
  const fixture = testPal(bed);

  async function calls(pal: NetworkPal, socket: AnyHandle, interest: Interest, act?: () => void): Promise<PerTurn> {
    const perTurn = new PerTurn();
    const seen = record(pal, socket, interest, () => {
      perTurn.count();
      act?.();
    });
    await called(seen, CALLS, bed);
    return perTurn;
  }

  it('while there is something to read that nobody reads', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, client, Buffer.from('unread'));
    (await calls(pal, served, { readable: true })).expectOne(CALLS - 1);
  });

  it('while it reads byte by byte', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, client, Buffer.alloc(CALLS + 10));
    (await calls(pal, served, { readable: true }, () => tryReadBytes(pal, served, 1))).expectOne(CALLS - 1);
  });

  it('while it is at the end of the stream', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    pal.shutdown(client, 'send');
    (await calls(pal, served, { readable: true })).expectOne(CALLS - 1);
  });

  it('while it is writable', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    (await calls(pal, client, { writable: true })).expectOne(CALLS - 1);
  });

  it('while it is writable, and writes each time', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const perTurn = await calls(pal, client, { writable: true }, () => pal.tryWrite(client, Buffer.from('x')));
    perTurn.expectOne(CALLS - 1);
    pal.unwatch(client);
    await read(pal, served);
  });

  it('while both directions are ready', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, client, Buffer.from('unread'));
    (await calls(pal, served, { readable: true, writable: true })).expectOne(CALLS - 1);
  });

  it('while a server has connections that nobody takes', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const connecting = connect(pal, '127.0.0.1', server.port);
    await ready(pal, server.handle, { readable: true });
    (await calls(pal, server.handle, { readable: true })).expectOne(CALLS - 1);
    pal.unwatch(server.handle);
    await accept(pal, server.handle);
    await connecting;
  });

  it('also when each call replaces the watch, or ends it and begins another one', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    for (const [socket, ends] of [
      [client, false],
      [served, true],
    ] as const) {
      const perTurn = new PerTurn();
      await new Promise<void>((resolve) => {
        let left = CALLS;
        const again = (): void => {
          perTurn.count();
          left--;
          if (ends || left === 0) pal.unwatch(socket);
          if (left === 0) resolve();
          else pal.watch(socket, { writable: true }, again);
        };
        pal.watch(socket, { writable: true }, again);
      });
      perTurn.expectOne(CALLS - 1);
    }
  });

  it('and another watch gets its call in each of those turns', async () => {
    const { pal } = fixture;
    const one = await pair(pal);
    const other = await pair(pal);
    const busy = record(pal, one.client, { writable: true });
    const second = record(pal, other.client, { writable: true });
    await called(second, CALLS, bed);
    expect(Math.abs(busy.length - second.length)).to.be.at.most(1);
  });
});
