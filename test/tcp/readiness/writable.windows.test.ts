/** watch({ writable }) and tryWrite: one send in flight, and its return is the signal. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { WouldBlock, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { thrownBy } from '../../support/errors.ts';
import { pair, readExactly, readToEnd, reset } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';
import { called, ready, record, tryReadBytes } from './watching.ts';

/** Bytes that one tryWrite takes at most, as the contract says. */
const MOST_PER_WRITE = 262_144;

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sends everything through tryWrite, waiting for writability whenever it answers WouldBlock. Counts those. */
function pumpOut(pal: NetworkPal, socket: SocketHandle, data: Uint8Array): Promise<number> {
  let sent = 0;
  let blocked = 0;
  return new Promise((resolve, reject) => {
    pal.watch(socket, { writable: true }, (error) => {
      if (error !== null) {
        reject(error);
        return;
      }
      while (sent < data.length) {
        const taken = pal.tryWrite(socket, data.subarray(sent));
        if (taken === WouldBlock) {
          blocked++;
          return;
        }
        sent += taken;
      }
      pal.unwatch(socket);
      resolve(blocked);
    });
  });
}

/** Takes `length` bytes through tryRead, at most `perCall` bytes per call of the watch. */
function pumpIn(pal: NetworkPal, socket: SocketHandle, length: number, perCall: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = length;
  return new Promise((resolve, reject) => {
    pal.watch(socket, { readable: true }, (error) => {
      if (error !== null) {
        reject(error);
        return;
      }
      const chunk = tryReadBytes(pal, socket, perCall);
      if (chunk === null) return;
      if (chunk.length === 0) reject(new Error(`The stream ended ${left} bytes too soon`));
      chunks.push(chunk);
      left -= chunk.length;
      if (left > 0) return;
      pal.unwatch(socket);
      resolve(Buffer.concat(chunks));
    });
  });
}

onEveryBed('watch writable', (bed) => {
  const fixture = testPal(bed);

  it('calls at once, and again, on a socket that has nothing to send', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const calls = record(pal, client, { writable: true });
    expect(calls, 'inside watch').to.deep.equal([]);
    await called(calls, 3, bed);
    expect(calls.slice(0, 3)).to.deep.equal(['writable', 'writable', 'writable']);
  });

  it('tryWrite takes bytes, and more of them, as long as the system has room', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    expect(pal.tryWrite(client, seededBytes(100))).to.equal(100);
    expect(pal.tryWrite(client, seededBytes(50, 2))).to.equal(50);
    await ready(pal, client, { writable: true });
    expect(pal.tryWrite(client, seededBytes(50, 3))).to.equal(50);
    const expected = Buffer.concat([seededBytes(100), seededBytes(50, 2), seededBytes(50, 3)]);
    expect((await readExactly(pal, served, 200)).equals(expected)).to.equal(true);
  });

  it('the data may be changed as soon as tryWrite has returned', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(200_000);
    expect(pal.tryWrite(client, data)).to.equal(200_000);
    data.fill(0);
    expect((await readExactly(pal, served, 200_000)).equals(seededBytes(200_000))).to.equal(true);
  });

  it('takes what one send carries, and says how much', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(300_000);
    expect(pal.tryWrite(client, data)).to.equal(MOST_PER_WRITE);
    expect((await readExactly(pal, served, MOST_PER_WRITE)).equals(data.subarray(0, MOST_PER_WRITE))).to.equal(true);
  });

  it('10 MiB arrive whole through tryWrite and tryRead, with a slow reader', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(10 * 1024 * 1024);
    const [blocked, received] = await Promise.all([
      pumpOut(pal, client, data),
      pumpIn(pal, served, data.length, 50_000),
    ]);
    expect(blocked, 'times that the writer had to wait').to.be.greaterThan(0);
    expect(sha(received)).to.equal(sha(data));
  });

  it('is not writable while the peer does not read, and reading does not wait for that', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal, {}, {});
    const data = seededBytes(MOST_PER_WRITE);
    // How much the system buffers is its own affair (Wine on loopback: some 3 MB), so: until nothing moves any more.
    let movedAt = Date.now();
    let sent = 0;
    await until(
      () => {
        const taken = pal.tryWrite(client, data);
        if (taken !== WouldBlock) [sent, movedAt] = [sent + taken, Date.now()];
        return Date.now() - movedAt > 500;
      },
      () => `the send buffers to be full, after ${sent} bytes`,
      bed,
    );
    // It may find some more room on a slow machine, which only the system knows. Then that is what it says, and true.
    let lies = 0;
    const calls: string[] = [];
    pal.watch(client, { readable: true, writable: true }, (error, readable, writable) => {
      calls.push(error?.code ?? (readable ? 'readable' : 'writable'));
      if (!writable) return;
      const taken = pal.tryWrite(client, data);
      if (taken === WouldBlock) lies++;
      else sent += taken;
    });
    await turns(20, bed);
    expect(lies, 'told writable while a send was under way').to.equal(0);
    expect(calls).to.not.include('readable');
    expect(pal.tryWrite(served, seededBytes(10))).to.equal(10);
    await until(
      () => calls.includes('readable'),
      () => `a call that says readable; came: ${calls.join(', ')}`,
      bed,
    );
    expect(lies, 'told writable while a send was under way').to.equal(0);
    pal.unwatch(client);
    pal.shutdown(client, 'send');
    const received = await readToEnd(pal, served);
    expect(received.length).to.equal(sent);
    expect(received.subarray(0, data.length).equals(data)).to.equal(true);
  });

  it("throws EPIPE after shutdown('send')", async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    pal.shutdown(client, 'send');
    expect(thrownBy(() => pal.tryWrite(client, seededBytes(1)))).to.include({ code: 'EPIPE' });
  });

  it('a broken connection is writable, and tryWrite throws', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await ready(pal, client, { writable: true });
    await reset(pal, served);
    let code = '';
    await until(
      () => {
        try {
          pal.tryWrite(client, seededBytes(1000));
        } catch (error) {
          code = (error as { code: string }).code;
        }
        return code !== '';
      },
      () => 'tryWrite to throw',
      bed,
    );
    expect(code).to.be.oneOf(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);
    await ready(pal, client, { writable: true });
    expect(thrownBy(() => pal.tryWrite(client, seededBytes(1))).code, 'again').to.equal(code);
  });
});

onEveryBed('tryWrite within limits', (bed) => {
  const fixture = testPal(bed, { maxQueuedBytesPerSocket: 65536, maxOperations: 16 });

  it('takes no more than the queue of the socket may hold', async () => {
    // It used to ask the queue for all of one send, and to throw ERR_WRITE_QUEUE_FULL however often it was called.
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    expect(pal.tryWrite(client, seededBytes(100_000))).to.equal(65536);
    expect((await readExactly(pal, served, 65536)).equals(seededBytes(100_000).subarray(0, 65536))).to.equal(true);
  });

  it('without a free operation it would block, a watch says when there is one, and the two APIs are still kept apart', async () => {
    // The mark that a write is tryWrite's own used to stay when it threw, and a watch was then let in beside asyncWrite.
    const { pal } = fixture;
    const pairs = [];
    for (let count = 0; count < 9; count++) {
      const made = await pair(pal);
      pal.closeSocket(made.server.handle);
      await turns(5, bed);
      pairs.push(made);
    }
    const [spare, ...others] = pairs.flatMap(({ client, served }) => [client, served]);
    await until(
      () => pal.stats().freeSlots === 16,
      () => 'all operations to be free',
      bed,
    );
    for (const socket of others.slice(0, 16)) pal.asyncRead(socket, new Uint8Array(1), 1, () => undefined);
    expect(pal.tryWrite(spare!, seededBytes(1))).to.equal(WouldBlock);
    const writable = new Promise<void>((resolve) =>
      pal.watch(spare!, { writable: true }, () => {
        pal.unwatch(spare!);
        resolve();
      }),
    );
    pal.closeSocket(others[15]!);
    await until(
      () => pal.stats().freeSlots === 1,
      () => 'an operation to be free',
      bed,
    );
    await writable;
    pal.asyncWrite(spare!, seededBytes(10), () => undefined);
    const error = thrownBy(() => pal.watch(spare!, { readable: true }, () => undefined));
    expect(error).to.include({ code: 'ERR_MIXED_APIS' });
  });
});
