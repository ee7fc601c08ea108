/** Writes to more connections in one go than may be sent on at once: the others wait for their turns, and nobody can tell but by the time. */
import { expect } from 'chai';
import type { NetworkPal, SocketHandle } from '../../../src/index.ts';
import { WouldBlock } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { accept, connect, readExactly, readToEnd, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

/** What is sent on at once: SENDS_AT_ONCE of the event loop. */
const AT_ONCE = 64;
const COUNT = AT_ONCE + 16;
const MIB = 1024 * 1024;

interface Pair {
  readonly client: SocketHandle;
  readonly served: SocketHandle;
}

async function pairs(pal: NetworkPal): Promise<Pair[]> {
  const server = pal.createServer('127.0.0.1', 0, { backlog: COUNT });
  const made: Pair[] = [];
  while (made.length < COUNT) {
    const accepting = accept(pal, server.handle);
    const client = await connect(pal, '127.0.0.1', server.port);
    made.push({ client, served: (await accepting).socket });
  }
  pal.closeSocket(server.handle);
  return made;
}

/** Runs it as a callback of the loop. */
function inCallback(pal: NetworkPal, act: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const { handle } = pal.createServer('127.0.0.1', 0);
    pal.closeSocket(handle, () => {
      try {
        act();
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

function sends(pal: NetworkPal): number {
  return pal.stats().syscalls['WSASend'] ?? 0;
}

onEveryBed('writes to many connections in one callback', (bed) => {
  const fixture = sharedPal(bed);
  let all: Pair[] = [];
  /** Those of a connection beyond the first ones. */
  const late = (): Pair => all[COUNT - 1]!;
  beforeEach(async () => {
    all = await pairs(fixture.pal);
  });

  /** Writes to the first ones, so that every other write of this callback is deferred. */
  function writeToOthers(pal: NetworkPal, data = Buffer.from('other')): void {
    for (const { client } of all.slice(0, AT_ONCE)) pal.asyncWrite(client, data, () => undefined);
  }

  it('come to all, each message whole and in order, and the system is asked once for what waited', async () => {
    const { pal } = fixture;
    const messages = [seededBytes(1000, 1), seededBytes(10, 2), seededBytes(5000, 3)];
    const before = pal.stats();
    let done = 0;
    await inCallback(pal, () => {
      for (const message of messages)
        for (const { client } of all) pal.asyncWrite(client, message, (error) => (done += error === null ? 1 : 0));
      expect(pal.stats().sendsDeferred - before.sendsDeferred).to.equal(COUNT - AT_ONCE);
      expect(sends(pal) - (before.syscalls['WSASend'] ?? 0)).to.equal(AT_ONCE);
    });
    const expected = Buffer.concat(messages);
    for (const { served } of all)
      expect((await readExactly(pal, served, expected.length)).equals(expected)).to.equal(true);
    await until(
      () => done === COUNT * messages.length,
      () => `${done} are done`,
      bed,
    );
    // Two for those at once: the first message, and then the others. (WSAPoll asks once more where a socket was not ready.)
    const most = bed.name.startsWith('wsapoll') ? 3 * COUNT : 2 * AT_ONCE + COUNT - AT_ONCE;
    expect(sends(pal) - (before.syscalls['WSASend'] ?? 0)).to.be.at.most(most);
  });

  it('are not deferred one by one: many writes to one connection are none to many', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const { sendsDeferred } = pal.stats();
    await inCallback(pal, () => {
      for (let count = 0; count < 3 * AT_ONCE; count++) expect(pal.tryWrite(client, Buffer.from('x'))).to.equal(1);
    });
    await readExactly(pal, served, 3 * AT_ONCE);
    expect(pal.stats().sendsDeferred).to.equal(sendsDeferred);
  });

  it('tryWrite takes nothing beyond those at once, until the next turn', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    await inCallback(pal, () => {
      for (const { client: other } of all.slice(0, AT_ONCE)) expect(pal.tryWrite(other, Buffer.from('x'))).to.equal(1);
      expect(pal.tryWrite(client, Buffer.from('x'))).to.equal(WouldBlock);
    });
    await inCallback(pal, () => expect(pal.tryWrite(client, Buffer.from('y'))).to.equal(1));
    expect(String(await readExactly(pal, served, 1))).to.equal('y');
  });

  it('answers do not count, nor wait: each peer that has said something is answered at once', async () => {
    const { pal } = fixture;
    for (const { served } of all) await write(pal, served, Buffer.from('?'));
    for (const { client } of all) await readExactly(pal, client, 1);
    const { sendsDeferred } = pal.stats();
    await inCallback(pal, () => {
      for (const { client } of all) expect(pal.tryWrite(client, Buffer.from('!'))).to.equal(1);
    });
    for (const { served } of all) expect(String(await readExactly(pal, served, 1))).to.equal('!');
    expect(pal.stats().sendsDeferred).to.equal(sendsDeferred);
  });

  it('answers to what tryRead has read do not wait either', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    await write(pal, served, Buffer.from('?'));
    let heard: number = WouldBlock;
    await until(
      () => (heard = pal.tryRead(client, new Uint8Array(1))) === 1,
      () => `it reads ${heard}`,
      bed,
    );
    await inCallback(pal, () => {
      writeToOthers(pal);
      expect(pal.tryWrite(client, Buffer.from('!'))).to.equal(1);
    });
    expect(String(await readExactly(pal, served, 1))).to.equal('!');
  });

  it('a write of nothing has its turn, and is done then', async () => {
    const { pal } = fixture;
    const { client } = late();
    const outcomes = new Outcomes();
    const { sendsDeferred } = pal.stats();
    await inCallback(pal, () => {
      writeToOthers(pal);
      pal.asyncWrite(client, new Uint8Array(0), outcomes.expect('nothing'));
      expect(pal.stats().sendsDeferred - sendsDeferred).to.equal(1);
    });
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['nothing ok']);
  });

  it('a cancelled one is not sent, and what is behind it is', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const outcomes = new Outcomes();
    await inCallback(pal, () => {
      writeToOthers(pal);
      const first = pal.asyncWrite(client, Buffer.from('cancelled'), outcomes.expect('first'));
      pal.asyncWrite(client, Buffer.from('sent'), outcomes.expect('second'));
      pal.cancel(first);
    });
    expect(String(await readExactly(pal, served, 4))).to.equal('sent');
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['first ECANCELED', 'second ok']);
  });

  it('the end comes behind what waits', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    await inCallback(pal, () => {
      writeToOthers(pal);
      pal.asyncWrite(client, Buffer.from('all'), () => undefined);
      pal.shutdown(client, 'send');
    });
    expect(String(await readToEnd(pal, served))).to.equal('all');
  });

  it('a file has its turn, too', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const bytes = seededBytes(20_000, 4);
    const file = bed.putFile('deferred', bytes);
    const outcomes = new Outcomes();
    await inCallback(pal, () => {
      writeToOthers(pal);
      pal.asyncSendFile(client, file, {}, outcomes.expect('file'));
    });
    expect((await readExactly(pal, served, bytes.length)).equals(bytes)).to.equal(true);
    await outcomes.settled(bed);
  });

  it('more than the system has room for goes on when there is room', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const bytes = seededBytes(8 * MIB, 5);
    const outcomes = new Outcomes();
    await inCallback(pal, () => {
      writeToOthers(pal);
      pal.asyncWrite(client, bytes, outcomes.expect('large'));
      pal.asyncWrite(client, Buffer.from('behind'), outcomes.expect('behind'));
    });
    const expected = Buffer.concat([bytes, Buffer.from('behind')]);
    expect((await readExactly(pal, served, expected.length)).equals(expected)).to.equal(true);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['large ok', 'behind ok']);
  });

  it('a peer that has reset is told of when the turn comes', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const outcomes = new Outcomes();
    const heard = new Promise<void>((resolve) => pal.asyncRead(client, new Uint8Array(1), 1, () => resolve()));
    pal.resetSocket(served);
    await heard;
    await inCallback(pal, () => {
      writeToOthers(pal);
      pal.asyncWrite(client, Buffer.from('lost'), outcomes.expect('write'));
    });
    await outcomes.settled(bed);
    expect(outcomes.log[0]).to.match(/^write (ECONNRESET|ECONNABORTED)$/);
  });

  const closes: Record<string, (pal: NetworkPal, socket: SocketHandle, closed: () => void) => void> = {
    'a close': (pal, socket, closed) => pal.closeSocket(socket, closed),
    'a close with a grace of 0': (pal, socket, closed) => pal.closeSocket(socket, { graceMs: 0 }, closed),
    'a close whose grace is taken back': (pal, socket, closed) => {
      pal.closeSocket(socket, closed);
      pal.closeSocket(socket, { graceMs: 0 });
    },
  };
  for (const [what, close] of Object.entries(closes)) {
    it(`are sent before ${what}, as they would have been at once`, async () => {
      const { pal } = fixture;
      const { client, served } = late();
      let closed = false;
      const outcomes = new Outcomes();
      await inCallback(pal, () => {
        writeToOthers(pal);
        pal.asyncWrite(client, Buffer.from('good'), outcomes.expect('first'));
        pal.asyncWrite(client, Buffer.from('bye'), outcomes.expect('second'));
        close(pal, client, () => (closed = true));
      });
      expect(String(await readToEnd(pal, served))).to.equal('goodbye');
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal(['first ok', 'second ok']);
      await until(
        () => closed,
        () => 'it is not closed',
        bed,
      );
    });
  }

  it('are sent before a close with a grace of 0, also behind writes of nothing', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const outcomes = new Outcomes();
    await inCallback(pal, () => {
      writeToOthers(pal);
      for (const text of ['', 'good', '', '', 'bye', '']) {
        pal.asyncWrite(client, Buffer.from(text), outcomes.expect(`"${text}"`));
      }
      const { bytesSent } = pal.stats();
      pal.closeSocket(client, { graceMs: 0 }, outcomes.expect('close'));
      expect(pal.stats().bytesSent - bytesSent).to.equal('goodbye'.length);
      expect(pal.getQueuedBytes(client)).to.equal(0);
    });
    expect(String(await readToEnd(pal, served))).to.equal('goodbye');
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['"" ok', '"good" ok', '"" ok', '"" ok', '"bye" ok', '"" ok', 'close ok']);
  });

  it('are sent before a grace that is over when their turn comes', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const outcomes = new Outcomes();
    writeToOthers(pal); // in no callback of the loop, which looks at its deadlines before the line
    pal.asyncWrite(client, Buffer.from('goodbye'), outcomes.expect('write'));
    pal.closeSocket(client, { graceMs: 1 }, outcomes.expect('close'));
    const end = performance.now() + 20;
    while (performance.now() < end);
    expect(String(await readToEnd(pal, served))).to.equal('goodbye');
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ok', 'close ok']);
  });

  it('are dropped by a reset, as whatever waits is', async () => {
    const { pal } = fixture;
    const { client, served } = late();
    const outcomes = new Outcomes();
    await inCallback(pal, () => {
      writeToOthers(pal);
      pal.asyncWrite(client, Buffer.from('never'), outcomes.expect('write'));
      pal.resetSocket(client);
    });
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ECANCELED']);
    const end = await readToEnd(pal, served).then(String, (error: unknown) => (error as { code: string }).code);
    expect(end).to.be.oneOf(['ECONNRESET', 'ECONNABORTED', '']); // (under Wine a reset may look like an end)
  });

  it('who says something meanwhile is heard before all of them are sent', async () => {
    const { pal } = fixture;
    const data = Buffer.alloc(100);
    const log: string[] = [];
    const speaker = all[0]!;
    const ROUNDS = 40;
    // Each connection's next write is made when its last one is done, so that there are always some that wait.
    let left = ROUNDS * COUNT;
    const again = (client: SocketHandle): void => {
      if (--left < 0) return;
      pal.asyncWrite(client, data, () => again(client));
    };
    const heard = readExactly(pal, speaker.client, 1).then(() =>
      log.push(`heard, ${left > 0 ? 'in between' : 'behind'}`),
    );
    await inCallback(pal, () => {
      for (const { client } of all) again(client);
    });
    await write(pal, speaker.served, Buffer.from('!'));
    for (const { served } of all) void readToEnd(pal, served).catch(() => undefined);
    await heard;
    expect(log).to.deep.equal(['heard, in between']);
  });
});
