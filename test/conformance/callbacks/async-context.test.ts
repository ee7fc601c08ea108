/** Every callback runs in the async context of the call that began it: src/platform/async-context.ts. */
import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { pair, read, readExactly, REFUSING_PORT, write } from '../../support/io.ts';
import { lookupIn } from '../../support/lookups.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { Stores } from '../../support/stores.ts';
import { until } from '../../support/until.ts';
import { collectUncaught } from '../../support/uncaught.ts';

const BYTE = Buffer.from('x');
const USERS = ['ann', 'bob', 'cid', 'dee'];

onEveryBed('async context', (bed) => {
  const fixture = sharedPal(bed);
  let stores: Stores;
  beforeEach(() => (stores = new Stores()));
  afterEach(() => stores.disable());

  it('of writes, each begun by somebody else', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    for (const user of USERS) stores.as(user, () => pal.asyncWrite(client, BYTE, stores.tell(`${user}'s write`)));
    pal.asyncWrite(client, BYTE, stores.tell("nobody's write"));
    expect(await stores.seen(bed)).to.deep.equal([
      ...USERS.map((user) => `${user}'s write as ${user}`),
      "nobody's write as nobody",
    ]);
    await readExactly(pal, served, 5);
  });

  it('of reads, which one receive after another answers', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    for (const user of USERS)
      stores.as(user, () => pal.asyncRead(served, new Uint8Array(1), 1, stores.tell(`${user}'s read`)));
    await write(pal, client, Buffer.alloc(4));
    expect(await stores.seen(bed)).to.deep.equal(USERS.map((user) => `${user}'s read as ${user}`));
  });

  it('of calls that a callback makes, and of those that it makes as somebody else', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const answered = stores.tell('the answer');
    const bobAnswered = stores.tell("bob's answer");
    stores.as('ann', () => {
      pal.asyncRead(served, new Uint8Array(1), 1, () => {
        pal.asyncWrite(served, BYTE, answered);
        stores.as('bob', () => pal.asyncWrite(served, BYTE, bobAnswered));
      });
    });
    await write(pal, client, BYTE);
    expect(await stores.seen(bed)).to.deep.equal(["bob's answer as bob", 'the answer as ann']);
    await readExactly(pal, client, 2);
  });

  it('of accepts and connects', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    for (const user of ['ann', 'bob']) {
      stores.as(user, () => {
        pal.asyncAccept(server.handle, stores.tell(`${user}'s accept`));
        pal.asyncConnect(server.address, server.port, {}, stores.tell(`${user}'s connect`));
      });
    }
    expect(await stores.seen(bed)).to.deep.equal([
      "ann's accept as ann",
      "ann's connect as ann",
      "bob's accept as bob",
      "bob's connect as bob",
    ]);
  });

  it('of an accept that finds a connection waiting, and of a connect that is refused', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    stores.as('ann', () => pal.asyncConnect(server.address, server.port, {}, stores.tell('the connect')));
    await until(
      () => pal.stats().accepted > 0,
      () => 'a connection that nobody has taken',
      bed,
    );
    stores.as('bob', () => pal.asyncAccept(server.handle, stores.tell('the accept')));
    stores.as('cid', () => pal.asyncConnect('127.0.0.1', REFUSING_PORT, {}, stores.tell('the refused one')));
    const seen = await stores.seen(bed);
    expect(seen).to.deep.equal(['the accept as bob', 'the connect as ann', 'the refused one as cid']);
  });

  it('of a connect by name, with its lookups', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const inZone = lookupIn({ 6: [], 4: ['127.0.0.1'] }).lookup;
    const lookup: LookupFunction = (name, options, callback) => {
      stores.note(`the lookup of IPv${String(options.family)}`);
      inZone(name, options, callback);
    };
    stores.as('ann', () => pal.asyncConnect('host.test', server.port, { lookup }, stores.tell('the connect')));
    stores.as('bob', () => pal.asyncAccept(server.handle, stores.tell('the accept')));
    expect(await stores.seen(bed, 2)).to.deep.equal([
      'the accept as bob',
      'the connect as ann',
      'the lookup of IPv4 as ann',
      'the lookup of IPv6 as ann',
    ]);
  });

  it('of a name that nobody knows', async () => {
    const { lookup } = lookupIn({});
    stores.as('ann', () => fixture.pal.asyncConnect('host.test', 1, { lookup }, stores.tell('the connect')));
    expect(await stores.seen(bed)).to.deep.equal(['the connect as ann']);
  });

  it('of closes and resets, and of what they answer', async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    stores.as('ann', () => pal.asyncRead(served, new Uint8Array(1), 1, stores.tell('the read')));
    stores.as('bob', () => pal.asyncAccept(server.handle, stores.tell('the accept')));
    stores.as('cid', () => {
      pal.closeSocket(served, stores.tell('the close'));
      pal.resetSocket(client, stores.tell('the reset'));
      pal.closeSocket(server.handle, stores.tell("the server's close"));
    });
    stores.as('dee', () => pal.closeSocket(served, stores.tell('the second close')));
    const seen = await stores.seen(bed);
    expect(seen).to.deep.equal([
      'the accept as bob',
      'the close as cid',
      'the read as ann',
      'the reset as cid',
      'the second close as dee',
      "the server's close as cid",
    ]);
    stores.as('ann', () => pal.closeSocket(served, stores.tell('a close of what is closed')));
    expect(await stores.seen(bed)).to.deep.equal(['a close of what is closed as ann']);
  });

  it('of datagrams: sent, received, and taken when they have come already', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const receiveAs = (user: string): void => {
      const tell = stores.tell(`${user}'s receive`);
      stores.as(user, () => pal.asyncReceiveFrom(socket.handle, new Uint8Array(9), 9, tell));
    };
    receiveAs('ann');
    for (const user of ['cid', 'dee'])
      stores.as(user, () => pal.asyncSendTo(socket.handle, BYTE, socket, stores.tell(`${user}'s send`)));
    await until(
      () => pal.describe().includes('1 datagrams untaken'),
      () => 'the second datagram',
      bed,
    );
    receiveAs('bob');
    expect(await stores.seen(bed)).to.deep.equal([
      "ann's receive as ann",
      "bob's receive as bob",
      "cid's send as cid",
      "dee's send as dee",
    ]);
    receiveAs('ann');
    stores.as('bob', () => pal.closeSocket(socket.handle, stores.tell('the close')));
    expect(await stores.seen(bed)).to.deep.equal(["ann's receive as ann", 'the close as bob']);
  });

  for (const transmitFile of [true, false]) {
    it(`of a file and its progress ${transmitFile ? 'through TransmitFile' : 'by reading'}, behind another's`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const file = bed.putFile('context', seededBytes(1000));
      for (const user of ['ann', 'bob']) {
        const onProgress = stores.tell(`${user}'s progress`);
        stores.as(user, () =>
          pal.asyncSendFile(client, file, { transmitFile, onProgress }, stores.tell(`${user}'s file`)),
        );
      }
      await readExactly(pal, served, 2000);
      const seen = new Set(await stores.seen(bed));
      expect([...seen]).to.deep.equal([
        "ann's file as ann",
        "ann's progress as ann",
        "bob's file as bob",
        "bob's progress as bob",
      ]);
    });
  }

  it("of a handle's descriptor, which is asked for again when the turn of its file comes", async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    let inCall = true;
    // A FileHandle has its fd as a getter of its class: -1 once it is closed.
    class ClosedMeanwhile {
      get fd() {
        if (inCall) return 0;
        stores.note('the descriptor');
        return -1;
      }
    }
    stores.as('ann', () => pal.asyncWrite(client, BYTE, stores.tell('the write')));
    stores.as('bob', () => pal.asyncSendFile(client, new ClosedMeanwhile(), {}, stores.tell('the file')));
    inCall = false;
    await readExactly(pal, served, 1);
    expect(await stores.seen(bed, 1)).to.deep.equal(['the descriptor as bob', 'the file as bob', 'the write as ann']);
  });

  it('of a watch, by whoever has called watch() last', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const once =
      (what: string) =>
      (...args: unknown[]): void => {
        if (args[0] === null) pal.unwatch(served);
        stores.leave(what);
      };
    stores.as('ann', () => pal.watch(served, { readable: true }, once('the first watch')));
    stores.as('bob', () => pal.watch(served, { readable: true }, once('the second watch')));
    await write(pal, client, BYTE);
    expect(await stores.seen(bed, 1)).to.deep.equal(['the second watch as bob']);
    let times = 0;
    stores.as('dee', () =>
      pal.watch(served, { readable: true }, () => {
        stores.leave(`watch ${times}`);
        times++;
        if (times === 3) pal.unwatch(served);
      }),
    );
    expect(await stores.seen(bed, 3)).to.deep.equal(['watch 0 as dee', 'watch 1 as dee', 'watch 2 as dee']);
    stores.as('cid', () => pal.watch(served, { readable: true }, once('the third watch')));
    expect(await stores.seen(bed, 1)).to.deep.equal(['the third watch as cid']);
    await read(pal, served);
    stores.as('dee', () => pal.watch(served, { readable: true }, once('the last word')));
    stores.as('ann', () => pal.closeSocket(served));
    expect(await stores.seen(bed, 1)).to.deep.equal(['the last word as dee']);
  });

  it('of a server’s callbacks', async () => {
    const { pal } = fixture;
    const server = stores.as('ann', () =>
      pal.createServer('127.0.0.1', 0, { maxConnections: 1, onLimit: stores.tell('the limit') }),
    );
    stores.as('bob', () => pal.asyncAccept(server.handle, stores.tell('the accept')));
    stores.as('cid', () => pal.asyncConnect(server.address, server.port, {}, stores.tell('the connect')));
    expect(await stores.seen(bed)).to.deep.equal(['the accept as bob', 'the connect as cid', 'the limit as ann']);
  });

  it('of callbacks that throw, and of those behind them', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const fail = (): never => {
      throw new Error('on purpose');
    };
    const thrown = await collectUncaught(async () => {
      for (const user of USERS)
        stores.as(user, () => pal.asyncWrite(client, BYTE, stores.tell(`${user}'s write`, fail)));
      expect(await stores.seen(bed)).to.deep.equal(USERS.map((user) => `${user}'s write as ${user}`));
    });
    expect(thrown.map(({ message }) => message)).to.deep.equal(USERS.map(() => 'on purpose'));
    await readExactly(pal, served, 4);
  });

  it('of promises that a callback makes, and of the awaiting of ours', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await stores.as('ann', async () => {
      await write(pal, client, BYTE);
      stores.note('behind the write');
      const [bytes] = await Promise.all([read(pal, served), stores.as('bob', () => write(pal, client, BYTE))]);
      expect(bytes.length).to.be.above(0);
      stores.note('behind both');
    });
    expect(await stores.seen(bed, 2)).to.deep.equal(['behind both as ann', 'behind the write as ann']);
  });
});
