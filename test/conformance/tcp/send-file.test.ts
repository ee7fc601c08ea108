/** asyncSendFile: what arrives is the file, byte for byte, in order with the writes around it. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import {
  NetworkErrorCode,
  type NetworkError,
  type NetworkPal,
  type SendFileOptions,
  type SocketHandle,
} from '../../../src/index.ts';
import { onEveryBed, type Bed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed } from '../../support/errors.ts';
import { close, pair, readExactly, readToEnd, reset, sendFile, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** URLs that node:url makes no path of, or one that no file has. */
const NO_PATH = new URL('file:///C:/a%2Fb');
const WITH_NUL = new URL('file:///C:/a%00b');
/** More than any kernel buffers for a peer that does not read. */
const TOO_MUCH = 24 * MIB;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Rejects with the NetworkError of a sendFile, and how many bytes it says were sent. */
function failure(
  pal: NetworkPal,
  socket: SocketHandle,
  file: string,
  options: SendFileOptions = {},
): Promise<{ error: NetworkError; bytes: number }> {
  return new Promise((resolve, reject) => {
    pal.asyncSendFile(socket, file, options, (error, bytes) => {
      if (error === null) reject(new Error(`It sent ${bytes} bytes`));
      else resolve({ error, bytes });
    });
  });
}

onEveryBed('asyncSendFile', (bed) => {
  for (const transmitFile of [true, false]) {
    describe(transmitFile ? 'through TransmitFile, where there is one' : 'by reading and sending', () => {
      sendsFiles(bed, transmitFile);
    });
  }
});

function sendsFiles(bed: Bed, transmitFile: boolean): void {
  const fixture = sharedPal(bed);

  for (const size of [0, 1, 65537, 300 * KIB, 3 * MIB + 5]) {
    it(`sends a file of ${size} bytes`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const content = seededBytes(size);
      const file = bed.putFile(`whole-${size}`, content);
      const progress: number[] = [];
      const onProgress = (bytesSent: number, bytesTotal: number): void => {
        expect(bytesTotal).to.equal(size);
        progress.push(bytesSent);
      };
      const sent = sendFile(pal, client, file, { onProgress, transmitFile });
      const arrived = await readExactly(pal, served, size);
      expect(await sent).to.equal(size);
      expect(digest(arrived)).to.equal(digest(content));
      expect(progress).to.deep.equal([...progress].sort((a, b) => a - b));
      expect(progress.at(-1)).to.equal(size === 0 ? undefined : size);
      if (size > 2 * MIB) expect(progress.length).to.be.above(2);
    });
  }

  it('sends the part that offset and length name', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const content = seededBytes(2 * MIB);
    const file = bed.putFile('part', content);
    const both = readExactly(pal, served, 1_500_000 + 1000);
    expect(await sendFile(pal, client, file, { offset: 100_001, length: 1_500_000, transmitFile })).to.equal(1_500_000);
    expect(await sendFile(pal, client, file, { offset: content.length - 1000, transmitFile })).to.equal(1000);
    const expected = Buffer.concat([content.subarray(100_001, 1_600_001), content.subarray(-1000)]);
    expect(digest(await both)).to.equal(digest(expected));
  });

  for (const size of [0, 10, 1_200_000]) {
    it(`sends head and tail around ${size} bytes, as they were at the call`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const content = seededBytes(size);
      const [head, tail] = [Buffer.alloc(65536, 'head'), Buffer.from('tail')];
      const expected = Buffer.concat([head, content, tail]);
      const sent = sendFile(pal, client, bed.putFile(`edges-${size}`, content), { head, tail, transmitFile });
      head.fill(0);
      tail.fill(0);
      expect(digest(await readExactly(pal, served, expected.length))).to.equal(digest(expected));
      expect(await sent).to.equal(expected.length);
      expect(pal.getQueuedBytes(client)).to.equal(0);
    });
  }

  it('takes its turn among the writes of its socket', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const content = seededBytes(400_000);
    const file = bed.putFile('turn', content);
    const outcomes = new Outcomes();
    const expected: Uint8Array[] = [];
    const options = { head: Buffer.from('<'), tail: Buffer.from('>'), transmitFile };
    for (let round = 0; round < 3; round++) {
      const [before, after] = [seededBytes(10 + round * 90_000), seededBytes(5)];
      pal.asyncWrite(client, before, outcomes.expect(`before ${round}`));
      pal.asyncSendFile(client, file, options, outcomes.expect(`file ${round}`));
      pal.asyncSendFile(client, file, { ...options, length: round }, outcomes.expect(`piece ${round}`));
      pal.asyncWrite(client, after, outcomes.expect(`after ${round}`));
      const piece = content.subarray(0, round);
      expected.push(before, options.head, content, options.tail, options.head, piece, options.tail, after);
    }
    pal.shutdown(client, 'send');
    expect(digest(await readToEnd(pal, served))).to.equal(digest(Buffer.concat(expected)));
    await outcomes.settled(bed);
    const inOrder = [0, 1, 2].flatMap((round) =>
      ['before', 'file', 'piece', 'after'].map((what) => `${what} ${round} ok`),
    );
    expect(outcomes.log).to.deep.equal(inOrder);
  });

  it('sends to many peers at a time', async () => {
    const { pal } = fixture;
    const content = seededBytes(200_000);
    const file = bed.putFile('many', content);
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 8 });
    const digests: string[] = [];
    await Promise.all(
      Array.from({ length: 25 }, async () => {
        const { client, served } = await pair(pal);
        const [arrived] = await Promise.all([
          readExactly(pal, served, content.length),
          sendFile(pal, client, file, { transmitFile }),
        ]);
        digests.push(digest(arrived));
        await close(pal, client);
      }),
    );
    pal.closeSocket(server.handle);
    expect(new Set(digests)).to.deep.equal(new Set([digest(content)]));
    expect(digests).to.have.lengthOf(25);
  });

  it('reports a file that does not exist, and goes on with what is behind it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const missing = failure(pal, client, 'no-such-file', { head: Buffer.from('head'), transmitFile });
    const behind = write(pal, client, Buffer.from('behind'));
    const { error, bytes } = await missing;
    expect(error).to.include({ code: 'ENOENT', syscall: 'open' });
    expect(error.message).to.match(/^sendFile ENOENT: no such file or directory, open '.*no-such-file'$/);
    expect(bytes).to.equal(0);
    await behind;
    expect(String(await readExactly(pal, served, 6))).to.equal('behind');
  });

  it('sends nothing of a part that the file does not have', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const file = bed.putFile('short', seededBytes(100));
    for (const [offset, length] of [
      [0, 101],
      [50, 51],
      [101, undefined],
      [2 ** 33, 1],
    ] as const) {
      const part = length === undefined ? { offset } : { offset, length };
      const { error, bytes } = await failure(pal, client, file, { ...part, head: Buffer.from('head'), transmitFile });
      expect(error, String(offset)).to.include({ code: 'ERR_OUT_OF_RANGE' });
      expect(error.message).to.contain('it has 100 bytes');
      expect(bytes).to.equal(0);
    }
    expect(await sendFile(pal, client, file, { offset: 100, transmitFile })).to.equal(0);
    await sendFile(pal, client, file, { transmitFile });
    expect((await readExactly(pal, served, 100)).equals(seededBytes(100))).to.equal(true);
  });

  it('is flushed by closeSocket', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const content = seededBytes(5 * MIB);
    const outcomes = new Outcomes();
    const tail = Buffer.from('the end');
    pal.asyncSendFile(client, bed.putFile('flushed', content), { tail, transmitFile }, outcomes.expect('file'));
    pal.closeSocket(client, outcomes.expect('close'));
    expect(digest(await readToEnd(pal, served))).to.equal(digest(Buffer.concat([content, tail])));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['file ok', 'close ok']);
  });

  it('is dropped by resetSocket, before it is opened and in the middle', async () => {
    const { pal } = fixture;
    const file = bed.putFile('dropped', seededBytes(TOO_MUCH));
    for (const started of [false, true]) {
      const { client, served } = await pair(pal);
      const outcomes = new Outcomes();
      let moving: () => void = () => undefined;
      const moves = new Promise<void>((resolve) => (moving = resolve));
      pal.asyncSendFile(client, file, { transmitFile, onProgress: moving }, outcomes.expect('file'));
      pal.asyncSendFile(client, file, { transmitFile }, outcomes.expect('behind'));
      if (started) {
        await readExactly(pal, served, 100_000);
        await moves;
      }
      pal.resetSocket(client, outcomes.expect('reset'));
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal(['file ECANCELED', 'behind ECANCELED', 'reset ok']);
      expectClosed(outcomes.errors.get('file'), 'file');
      if (started) expect(outcomes.values.get('file')).to.be.above(0);
      await reset(pal, served);
    }
  });

  it('ends with an error when the peer resets in the middle', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const file = bed.putFile('reset', seededBytes(TOO_MUCH));
    const failed = failure(pal, client, file, { transmitFile });
    await readExactly(pal, served, 100_000);
    await reset(pal, served);
    const { error, bytes } = await failed;
    expect(error.code).to.be.oneOf(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);
    expect(bytes).to.be.below(TOO_MUCH);
  });

  it('resets the connection when the file is cut while a part of it is out', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const content = seededBytes(TOO_MUCH);
    const file = bed.putFile('cut', content);
    const failed = failure(pal, client, file, { transmitFile, tail: Buffer.from('tail') });
    const behind = new Outcomes();
    pal.asyncWrite(client, Buffer.from('behind'), behind.expect('behind'));
    const first = await readExactly(pal, served, 100_000);
    bed.putFile('cut', content.subarray(0, MIB));
    let rest: Buffer = Buffer.alloc(0);
    const atPeer = readToEnd(pal, served).then(
      (bytes) => (rest = bytes),
      () => undefined,
    );
    const { error } = await failed;
    expect(error).to.include({ code: 'ERR_FILE_TRUNCATED' });
    await behind.settled(bed);
    expect(behind.log).to.deep.equal(['behind ECANCELED']);
    await atPeer;
    const arrived = Buffer.concat([first, rest]);
    expect(arrived.equals(content.subarray(0, arrived.length)), 'nothing but the file').to.equal(true);
    await close(pal, served);
  });

  it('is cancelled while nothing of it is out: what is behind it goes on', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const file = bed.putFile('taken-back', seededBytes(MIB));
    const outcomes = new Outcomes();
    const head = Buffer.from('head');
    // The first is about to be opened, the second waits behind it.
    const first = pal.asyncSendFile(client, file, { head, transmitFile }, outcomes.expect('first'));
    const second = pal.asyncSendFile(client, file, { head, transmitFile }, outcomes.expect('second'));
    pal.asyncWrite(client, Buffer.from('behind'), outcomes.expect('behind'));
    expect(pal.cancel(second)).to.equal(true);
    expect(pal.cancel(first)).to.equal(true);
    expect(pal.cancel(first), 'again').to.equal(false);
    expect(String(await readExactly(pal, served, 6))).to.equal('behind');
    await outcomes.settled(bed);
    expect(outcomes.errors.get('first')).to.include({ code: 'ECANCELED', kind: NetworkErrorCode.Interrupted });
    expect(outcomes.errors.get('second')).to.include({ code: 'ECANCELED', kind: NetworkErrorCode.Interrupted });
    expect(outcomes.errors.get('behind')).to.equal(null);
  });

  it('in the middle is truncated only when asked for, or by its deadline, and the connection is reset with it', async () => {
    const { pal } = fixture;
    const file = bed.putFile('truncated', seededBytes(TOO_MUCH));
    // Beyond any machine's patience.
    for (let timeout: number | null = null; timeout === null || timeout < 60_000; timeout = 2 * (timeout ?? 50)) {
      const { client, served } = await pair(pal);
      const outcomes = new Outcomes();
      let moves = 0;
      const options = { transmitFile, onProgress: () => (moves += 1), ...(timeout !== null && { timeout }) };
      const name = pal.asyncSendFile(client, file, options, outcomes.expect('file'));
      pal.asyncWrite(client, Buffer.from('behind'), outcomes.expect('behind'));
      const reading = readExactly(pal, served, 100_000).catch(() => null);
      if (timeout === null) {
        await reading;
        await until(
          () => moves > 0,
          () => 'the file to move',
          bed,
        );
        expect(pal.cancel(name), 'soft').to.equal(false);
        expect(pal.cancel(name, { hard: true }), 'hard').to.equal(true);
      }
      await outcomes.settled(bed);
      // Where the deadline was due before anything moved, the file alone is taken back, and its reader would wait for ever.
      await reset(pal, served);
      await reading;
      // That is another case: twice as much time, then.
      if (moves === 0) continue;
      expect(outcomes.log, `timeout: ${timeout}`).to.deep.equal([
        timeout === null ? 'file ECANCELED' : 'file ETIMEDOUT',
        'behind ECANCELED',
      ]);
      expect(outcomes.values.get('file'), 'bytes').to.be.above(0);
      if (timeout !== null) return;
    }
    throw new Error('No deadline has met a file that was moving');
  });

  it('refuses bad arguments at once', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const send = (file: unknown, options: unknown): (() => void) => {
      const never = (): void => expect.fail('a refused call has called back');
      return () => pal.asyncSendFile(client, file as string, options as SendFileOptions, never);
    };
    for (const file of [undefined, null, '', 'a\0b', {}, true, new URL('http://localhost/x'), NO_PATH, WITH_NUL]) {
      expect(send(file, {}), JSON.stringify(file)).to.throw(TypeError);
    }
    expect(send(-1, {})).to.throw(RangeError);
    for (const options of [
      undefined,
      null,
      { offset: '1' },
      { head: 'text' },
      { onProgress: 1 },
      { transmitFile: 1 },
    ]) {
      expect(send('x', options), JSON.stringify(options)).to.throw(TypeError);
    }
    for (const options of [{ offset: -1 }, { offset: 1.5 }, { length: -1 }, { tail: new Uint8Array(65537) }]) {
      expect(send('x', options), JSON.stringify(options)).to.throw(RangeError);
    }
    expect(pal.stats(), 'nothing was begun').to.include({ pendingCallbacks: 0, queuedBytes: 0 });
  });
}

onEveryBed('asyncSendFile on a peer that does not read', (bed) => {
  const fixture = testPal(bed, { closeGraceMs: 50 });

  it('is given up when the grace of closeSocket is over', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncSendFile(client, bed.putFile('grace', seededBytes(TOO_MUCH)), {}, outcomes.expect('file'));
    pal.closeSocket(client, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['file ECANCELED', 'close ok']);
    await reset(pal, served);
  });
});
