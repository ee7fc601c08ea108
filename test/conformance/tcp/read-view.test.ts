/** asyncReadView: the bytes where the system has put them, for as long as the callback runs. */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import type { NetworkError, NetworkPal, SocketHandle } from '../../../src/index.ts';
import { onEveryBed, SEGMENT_SIZE } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { close, pair, read, readExactly, reset, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

/** Reads once. A copy of the bytes, or the error. */
function readView(pal: NetworkPal, socket: SocketHandle): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    pal.asyncReadView(socket, (error, view) => {
      if (error === null) resolve(Buffer.from(view));
      else reject(error);
    });
  });
}

/** Reads up to the end of the stream. */
async function readViews(pal: NetworkPal, socket: SocketHandle): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await readView(pal, socket);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** The code of the error that a read gets, or how many bytes; `view` is what it was shown. */
function told(log: string[], name: string): (error: NetworkError | null, view: Buffer) => void {
  return (error, view) => log.push(`${name} ${error?.code ?? view.length}`);
}

onEveryBed('asyncReadView', (bed) => {
  const fixture = testPal(bed);

  it('shows what has come, and nothing at the end of the stream', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, client, seededBytes(100));
    expect((await readView(pal, served)).equals(seededBytes(100))).to.equal(true);
    pal.shutdown(client, 'send');
    expect((await readView(pal, served)).length).to.equal(0);
    expect((await readView(pal, served)).length, 'again').to.equal(0);
  });

  it('shows messages of up to 4096 bytes in one piece, also behind shorter ones', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    for (const size of [513, 10, 10, 4096]) {
      const reading = readView(pal, served);
      await write(pal, client, seededBytes(size));
      let shown = (await reading).length;
      // A simulated network carries segments, and the read may end with the first of them.
      expect(shown).to.be.within(bed.real ? size : Math.min(size, SEGMENT_SIZE), size);
      while (shown < size) shown += (await readView(pal, served)).length;
      expect(shown).to.equal(size);
    }
  });

  it('takes 8 MiB whole and in order, in views of 64 KiB at most', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(8 * 1024 * 1024);
    const writing = write(pal, client, data).then(() => pal.shutdown(client, 'send'));
    const received = await readViews(pal, served);
    await writing;
    expect(received.equals(data)).to.equal(true);
  });

  it('serves reads of both sorts in the order of their calls, and posts the next before a callback runs', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const log: string[] = [];
    const seen: Buffer[] = [];
    const buffer = Buffer.alloc(10);
    pal.asyncReadView(served, (_error, view) => {
      log.push('first view');
      seen.push(Buffer.from(view));
    });
    pal.asyncRead(served, buffer, 10, (_error, bytes) => {
      log.push('buffer');
      seen.push(Buffer.from(buffer.subarray(0, bytes)));
    });
    pal.asyncReadView(served, (_error, view) => {
      log.push('second view');
      seen.push(Buffer.from(view));
    });
    for (let count = 0; count < 3; count++) {
      await write(pal, client, seededBytes(10, count));
      await until(
        () => log.length === count + 1,
        () => `${count + 1} reads; came: ${log.join(', ')}`,
        bed,
      );
    }
    expect(log).to.deep.equal(['first view', 'buffer', 'second view']);
    expect(seen.map((bytes, count) => bytes.equals(seededBytes(10, count)))).to.deep.equal([true, true, true]);
  });

  it('shows what was received for a buffer that had gone', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const buffer = new Uint8Array(100);
    pal.asyncRead(served, buffer, 100, outcomes.expect('detached'));
    structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
    await write(pal, client, seededBytes(40));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['detached ERR_BUFFER_DETACHED']);
    expect((await readView(pal, served)).equals(seededBytes(40))).to.equal(true);
    await write(pal, client, seededBytes(20, 2));
    expect((await readView(pal, served)).equals(seededBytes(20, 2))).to.equal(true);
  });

  it('a read that is cancelled, times out or is aborted takes nothing', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const log: string[] = [];
    const abort = new AbortController();
    const operation = pal.asyncReadView(served, told(log, 'cancelled'));
    pal.asyncReadView(served, { timeout: 20 }, told(log, 'late'));
    pal.asyncReadView(served, { signal: abort.signal }, told(log, 'aborted'));
    expect(pal.cancel(operation)).to.equal(true);
    abort.abort();
    await until(
      () => log.length === 3,
      () => `three outcomes; came: ${log.join(', ')}`,
      bed,
    );
    expect([...log].sort()).to.deep.equal(['aborted ABORT_ERR', 'cancelled ECANCELED', 'late ETIMEDOUT']);
    pal.asyncReadView(served, { signal: abort.signal }, told(log, 'aborted before'));
    await turns(5, bed);
    expect(log[3]).to.equal('aborted before ABORT_ERR');
    await write(pal, client, seededBytes(30));
    expect((await readView(pal, served)).equals(seededBytes(30))).to.equal(true);
  });

  it('is answered when its socket is closed, and when its peer resets the connection', async () => {
    const { pal } = fixture;
    const log: string[] = [];
    const first = await pair(pal);
    pal.asyncReadView(first.served, told(log, 'closed'));
    await close(pal, first.served);
    pal.asyncReadView(first.served, told(log, 'closed before'));
    const second = await pair(pal);
    pal.asyncReadView(second.served, told(log, 'reset'));
    await reset(pal, second.client);
    await until(
      () => log.length === 3,
      () => `three outcomes; came: ${log.join(', ')}`,
      bed,
    );
    expect([...log].sort()).to.deep.equal(['closed ECANCELED', 'closed before ECANCELED', 'reset ECONNRESET']);
  });

  it('waits without a block until something comes, and gives its block back, also when the callback throws', async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    await close(pal, server.handle);
    const waiting = readView(pal, served);
    await turns(5, bed);
    expect(pal.stats().pinnedBytes, 'of one operation').to.equal(128);
    await write(pal, client, seededBytes(10));
    expect((await waiting).length).to.equal(10);
    let inside = 0;
    const thrown = new Error('thrown by a callback, as the test wants');
    const caught = new Promise((resolve) => {
      const listeners = process.rawListeners('uncaughtException') as ((error: Error) => void)[];
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of listeners) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    pal.asyncReadView(served, () => {
      inside = pal.stats().pinnedBytes;
      throw thrown;
    });
    await write(pal, client, seededBytes(10));
    expect(await caught).to.equal(thrown);
    expect(inside, 'the block is in use meanwhile').to.be.at.least(512);
    await until(
      () => pal.stats().pinnedBytes === 0,
      () => `nothing to be pinned, but ${pal.stats().pinnedBytes} bytes are`,
      bed,
    );
  });

  it('a view that is kept cannot be parted from its memory, and is no crash, also after the stop', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const kept: Buffer[] = [];
    for (let count = 0; count < 20; count++) {
      await write(pal, client, seededBytes(600, count));
      await new Promise<void>((resolve) => {
        pal.asyncReadView(served, (_error, view) => {
          kept.push(view);
          resolve();
        });
      });
    }
    try {
      structuredClone(kept[0]!.buffer, { transfer: [kept[0]!.buffer as ArrayBuffer] });
    } catch {
      // Node.js 22 refuses it; 20 makes a copy.
    }
    await pal.stopEventLoop();
    for (const view of kept) {
      expect(view.length).to.be.above(0);
      expect(view.buffer.byteLength).to.be.above(0);
      view.fill(7);
      expect(view.every((byte) => byte === 7)).to.equal(true);
    }
  });

  it('is copied by an asyncWrite: an echo of views', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const serve = (): void =>
      void pal.asyncReadView(served, (error, view) => {
        if (error !== null || view.length === 0) return;
        // All of it has been taken by then, or copied.
        if (pal.tryWrite(served, view) === view.length) serve();
        else pal.asyncWrite(served, Buffer.from(view), serve);
      });
    serve();
    for (let round = 0; round < 30; round++) {
      const data = seededBytes(1 + round * 40, round);
      const echoed = readExactly(pal, client, data.length);
      await write(pal, client, data);
      expect((await echoed).equals(data)).to.equal(true);
    }
    expect(await Promise.race([read(pal, client).then(() => 'read'), turns(2, bed).then(() => 'nothing')])).to.equal(
      'nothing',
    );
    await close(pal, client).catch(() => undefined);
  });
});
