/** The async context of callbacks that come another way than by their operation's end: refused, taken back, told, submitted. */
import { expect } from 'chai';
import { createIdleTimeout, openRemote, type NetworkError, type PalOptions } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { close, pair, read } from '../../support/io.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';
import { Stores } from '../../support/stores.ts';
import { until } from '../../support/until.ts';

const BYTE = Buffer.from('x');
/** What a stop that is under way answers, and an aborted signal: the same calls, each of somebody else. */
const ASYNC_CALLS = ['accept', 'read', 'write', 'sendFile', 'receive', 'send'] as const;

onEveryBed('async context, of answers', (bed) => {
  const fixture = sharedPal(bed);
  let stores: Stores;
  beforeEach(() => (stores = new Stores()));
  afterEach(() => stores.disable());

  /** Makes each call as somebody called so. */
  async function callEach(options: object): Promise<() => void> {
    const { pal } = fixture;
    const { server, client, served } = await pair(pal);
    const udp = pal.createUdpSocket('127.0.0.1', 0);
    const buffer = new Uint8Array(1);
    const calls: Record<(typeof ASYNC_CALLS)[number], () => unknown> = {
      accept: () => pal.asyncAccept(server.handle, options, stores.tell('accept')),
      read: () => pal.asyncRead(client, buffer, 1, options, stores.tell('read')),
      write: () => pal.asyncWrite(served, BYTE, options, stores.tell('write')),
      sendFile: () => pal.asyncSendFile(served, 'none', options, stores.tell('sendFile')),
      receive: () => pal.asyncReceiveFrom(udp.handle, buffer, 1, options, stores.tell('receive')),
      send: () => pal.asyncSendTo(udp.handle, BYTE, udp, options, stores.tell('send')),
    };
    return () => {
      for (const call of ASYNC_CALLS) stores.as(`the caller of ${call}`, calls[call]);
    };
  }
  const TO_EACH_ITS_OWN = ASYNC_CALLS.map((call) => `${call} as the caller of ${call}`).sort();

  it('that a signal gives which was aborted before', async () => {
    const call = await callEach({ signal: AbortSignal.abort() });
    call();
    expect(await stores.seen(bed)).to.deep.equal(TO_EACH_ITS_OWN);
    const signal = AbortSignal.abort();
    stores.as('ann', () => fixture.pal.asyncConnect('127.0.0.1', 1, { signal }, stores.tell('connect')));
    expect(await stores.seen(bed)).to.deep.equal(['connect as ann']);
  });

  it('that a signal gives, whoever aborts it, and cancel(), whoever calls it', async () => {
    const { pal } = fixture;
    const { client, server } = await pair(pal);
    const controller = new AbortController();
    const { signal } = controller;
    const udp = pal.createUdpSocket('127.0.0.1', 0);
    const buffer = new Uint8Array(1);
    stores.as('ann', () => {
      pal.asyncRead(client, buffer, 1, { signal }, stores.tell('read'));
      pal.asyncRead(client, buffer, 1, { signal }, stores.tell('second read'));
    });
    stores.as('bob', () => pal.asyncAccept(server.handle, { signal }, stores.tell('accept')));
    const name = stores.as('cid', () => pal.asyncReceiveFrom(udp.handle, buffer, 1, stores.tell('receive')));
    stores.as('dee', () => {
      controller.abort();
      pal.cancel(name);
    });
    expect(await stores.seen(bed)).to.deep.equal([
      'accept as bob',
      'read as ann',
      'receive as cid',
      'second read as ann',
    ]);
  });

  it('that deadlines give, all of which one timer meets', async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    const udp = pal.createUdpSocket('127.0.0.1', 0);
    const buffer = new Uint8Array(1);
    const options = { timeout: 5 };
    stores.as('ann', () => pal.asyncRead(client, buffer, 1, options, stores.tell('read')));
    stores.as('bob', () => pal.asyncRead(served, buffer, 1, options, stores.tell('read')));
    stores.as('cid', () => pal.asyncAccept(server.handle, options, stores.tell('accept')));
    stores.as('dee', () => pal.asyncReceiveFrom(udp.handle, buffer, 1, options, stores.tell('receive')));
    const seen = await stores.seen(bed);
    expect(seen).to.deep.equal(['accept as cid', 'read as ann', 'read as bob', 'receive as dee']);
  });

  it('to writes behind the end of the stream', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    pal.shutdown(client, 'send');
    stores.as('ann', () => pal.asyncWrite(client, BYTE, stores.tell('write')));
    stores.as('bob', () => pal.asyncSendFile(client, 'none', {}, stores.tell('sendFile')));
    expect(await stores.seen(bed)).to.deep.equal(['sendFile as bob', 'write as ann']);
  });

  it('to writes that a reset drops, and to a file that is not there', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    stores.as('ann', () => pal.asyncSendFile(client, 'not-there', {}, stores.tell('sendFile')));
    expect(await stores.seen(bed)).to.deep.equal(['sendFile as ann']);
    const big = Buffer.alloc(8 * 2 ** 20);
    stores.as('ann', () => pal.asyncWrite(served, big, stores.tell('write')));
    stores.as('bob', () => pal.asyncWrite(served, BYTE, stores.tell('second write')));
    stores.as('cid', () => pal.resetSocket(served, stores.tell('reset')));
    expect(await stores.seen(bed)).to.deep.equal(['reset as cid', 'second write as bob', 'write as ann']);
  });

  it('that a limit on silence gives: as whoever began to watch the socket', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const told = new Map([
      [client, stores.tell("ann's timeout")],
      [served, stores.tell("bob's timeout")],
    ]);
    const idle = createIdleTimeout(pal, { ms: 5, onTimeout: (socket) => told.get(socket)?.() });
    stores.as('ann', () => idle.touch(client));
    stores.as('bob', () => idle.touch(served));
    stores.as('cid', () => idle.touch(client));
    expect(await stores.seen(bed)).to.deep.equal(["ann's timeout as ann", "bob's timeout as bob"]);
  });
});

onEveryBed('async context, of a stop', (bed) => {
  const fixture = testPal(bed);
  let stores: Stores;
  beforeEach(() => (stores = new Stores()));
  afterEach(() => stores.disable());

  it('and of what is asked for meanwhile', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const again = stores.tell('a read during the stop');
    stores.as('ann', () =>
      pal.asyncRead(
        client,
        new Uint8Array(1),
        1,
        stores.tell('read', () => {
          stores.as('bob', () => pal.asyncRead(client, new Uint8Array(1), 1, again));
        }),
      ),
    );
    stores.as('cid', () => pal.asyncWrite(served, BYTE, stores.tell('write')));
    const stopping = stores.as('dee', async () => {
      await pal.stopEventLoop();
      stores.note('stopped');
    });
    const seen = await stores.seen(bed, 1);
    await stopping;
    // (The byte may be there before the stop.)
    expect(seen.filter((line) => !line.startsWith('a read'))).to.deep.equal([
      'read as ann',
      'stopped as dee',
      'write as cid',
    ]);
    expect(seen).to.include('a read during the stop as bob');
  });

  it('and of the promise of runEventLoop', async () => {
    const { pal } = fixture;
    await pal.stopEventLoop();
    pal.initialize();
    const ran = stores.as('ann', async () => {
      await pal.runEventLoop();
      stores.note('ran');
    });
    stores.as('bob', () => void pal.stopEventLoop());
    await ran;
    expect(await stores.seen(bed, 1)).to.deep.equal(['ran as ann']);
  });
});

onEveryBed('async context, of other threads', (bed) => {
  let options: PalOptions = {};
  const fixture = testPal(bed, () => (options = bed.oneProcess?.() ?? {}));
  const other = testPal(bed, () => options);
  let stores: Stores;
  beforeEach(() => (stores = new Stores()));
  afterEach(() => stores.disable());

  it('is that of whoever registered for them', async function () {
    const { pal } = fixture;
    if (isPolled(() => pal.remote())) this.skip();
    const { client, served } = await pair(pal);
    const remote = openRemote(pal.remote(), options);
    const post = stores.as('ann', () => pal.onRemotePost(() => stores.leave('post')));
    stores.as('bob', () => pal.onRemoteError(() => stores.leave('error')));
    stores.as('cid', () => {
      remote.post(post, BYTE);
      remote.post(post, BYTE);
      remote.close(served);
      remote.post(post + 1, BYTE);
    });
    expect(await stores.seen(bed, 3)).to.deep.equal(['error as bob', 'post as ann', 'post as ann']);
    expect(await read(pal, client)).to.have.length(0);
    pal.offRemotePost(post);
    await close(pal, client);
  });

  it('of connections that a server hands on, and of those that nobody takes', async function () {
    const { pal } = fixture;
    if (isPolled(() => pal.remote())) this.skip();
    stores.as('ann', () => other.pal.onConnection(() => stores.leave('connection')));
    const server = stores.as('bob', () =>
      pal.createServer('127.0.0.1', 0, {
        spread: { loops: [other.pal.remote()] },
        onAcceptError: stores.tell('accept error'),
      }),
    );
    for (const user of ['cid', 'dee'])
      stores.as(user, () => pal.asyncConnect(server.address, server.port, {}, stores.tell(`${user}'s connect`)));
    await until(
      () => other.pal.stats().sockets === 2,
      () => 'two connections',
      bed,
    );
    other.pal.onConnection(null);
    await other.pal.stopEventLoop();
    stores.as('ann', () => pal.asyncConnect(server.address, server.port, {}, stores.tell("ann's connect")));
    expect(await stores.seen(bed, 2)).to.deep.equal([
      'accept error as bob',
      "ann's connect as ann",
      "cid's connect as cid",
      'connection as ann',
      'connection as ann',
      "dee's connect as dee",
    ]);
  });
});

/** The WSAPoll backend has no port that other threads could wake. */
function isPolled(open: () => unknown): boolean {
  try {
    open();
    return false;
  } catch (error) {
    if ((error as NetworkError).code === 'ERR_NOT_SUPPORTED') return true;
    throw error;
  }
}
