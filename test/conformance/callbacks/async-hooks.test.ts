/** What async_hooks sees of calls, and what of their stores is left when they have ended. */
import { AsyncLocalStorage, createHook, executionAsyncId, executionAsyncResource } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import type { NetworkPal } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { accept, close, connect, pair, read, readExactly, write } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** One resource of ours, as the hooks saw it. */
interface Resource {
  readonly type: string;
  readonly trigger: number;
  readonly events: string[];
}

onEveryBed('async_hooks', (bed) => {
  const fixture = sharedPal(bed);
  let resources: Map<number, Resource>;
  const hook = createHook({
    init(id, type, trigger) {
      if (type.startsWith('iocp-pal:')) resources.set(id, { type, trigger, events: [] });
    },
    before: (id) => void resources.get(id)?.events.push('before'),
    after: (id) => void resources.get(id)?.events.push('after'),
    destroy: (id) => void resources.get(id)?.events.push('destroy'),
  });
  beforeEach(() => {
    resources = new Map();
    hook.enable();
  });
  afterEach(() => void hook.disable());

  it('see a resource per operation, which is current in its callback and ends with it', async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    const here = executionAsyncId();
    const current: { type: string | undefined; isResource: boolean }[] = [];
    const note = (): void => {
      const resource = executionAsyncResource() as { asyncId?: () => number };
      const known = resources.get(executionAsyncId());
      current.push({ type: known?.type, isResource: resource.asyncId?.() === executionAsyncId() });
    };
    resources.clear();
    pal.asyncWrite(client, Buffer.from('abc'), note);
    pal.asyncRead(served, new Uint8Array(3), 3, note);
    pal.asyncAccept(server.handle, note);
    pal.asyncConnect(server.address, server.port, {}, note);
    await until(
      () => current.length === 4,
      () => `4 callbacks, not ${current.length}`,
      bed,
    );
    pal.closeSocket(client, note);
    await until(
      () => current.length === 5,
      () => 'the close',
      bed,
    );
    await turns(3, bed); // Node.js tells of the end of resources in a turn of its own
    const types = ['accept', 'close', 'connect', 'read', 'write'].map((name) => `iocp-pal:${name}`);
    expect(current.map(({ type }) => type).sort()).to.deep.equal(types);
    expect(current.every(({ isResource }) => isResource)).to.equal(true);
    const ours = [...resources.values()];
    expect(ours.map(({ type }) => type).sort()).to.deep.equal(types);
    for (const { type, events } of ours) expect(events, type).to.deep.equal(['before', 'after', 'destroy']);
    for (const { type, trigger } of ours) if (type !== 'iocp-pal:close') expect(trigger, type).to.equal(here);
  });

  it('see which callback has made which call', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const ids: number[] = [];
    await new Promise<void>((resolve) => {
      pal.asyncRead(served, new Uint8Array(1), 1, () => {
        ids.push(executionAsyncId());
        pal.asyncWrite(served, Buffer.from('y'), () => {
          ids.push(executionAsyncId());
          resolve();
        });
      });
      pal.asyncWrite(client, Buffer.from('x'), () => undefined);
    });
    const [readId, writeId] = ids;
    expect(readId).to.not.equal(writeId);
    expect(resources.get(writeId ?? 0)?.trigger).to.equal(readId);
    await readExactly(pal, client, 1);
  });
});

onEveryBed('a store', (bed) => {
  const storage = new AsyncLocalStorage<object>();
  after(() => storage.disable());

  /** Starts a PAL and a server, and serves a first connection, all of it in a store that only this function holds. */
  async function start(pal: NetworkPal): Promise<WeakRef<object>> {
    const store = { first: 'request' };
    await storage.run(store, async () => {
      pal.initialize();
      void pal.runEventLoop();
      const server = pal.createServer('127.0.0.1', 0);
      const [client, { socket }] = await Promise.all([
        connect(pal, server.address, server.port),
        accept(pal, server.handle),
      ]);
      // With a deadline that is never met, and a signal that is never aborted: both would live long.
      const { signal } = new AbortController();
      await new Promise((resolve) => {
        pal.asyncRead(socket, new Uint8Array(1), 1, { timeout: 2 ** 31 - 1, signal }, resolve);
        pal.asyncWrite(client, Buffer.from('x'), () => undefined);
      });
      await Promise.all([write(pal, socket, Buffer.from('y')), read(pal, client)]);
      await Promise.all([close(pal, client), close(pal, socket)]);
    });
    return new WeakRef(store);
  }

  it('is held by nobody when the calls that were made in it have ended', async () => {
    const pal = bed.create();
    const reference = await start(pal);
    try {
      await until(
        () => {
          collect();
          return reference.deref() === undefined;
        },
        () => 'the store of the first request to be garbage',
        bed,
      );
    } finally {
      await pal.stopEventLoop();
    }
  });
});
