/**
 * tryWrite on a socket of the asynchronous calls: what the system takes at once needs no callback, and nothing comes before what
 * was written earlier.
 */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { WouldBlock, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed, type Bed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { thrownBy } from '../../support/errors.ts';
import { close, pair, read, readExactly, readToEnd, reset, sendFile, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

const MIB = 1024 * 1024;

/** Writes as soon as the system has room again for all of it. */
function untilTaken(pal: NetworkPal, socket: SocketHandle, data: Uint8Array, bed: Bed): Promise<void> {
  return until(
    () => pal.tryWrite(socket, data) === data.length,
    () => 'room for a small write',
    bed,
  );
}

/** Writes until the system has no room, in some turns that follow each other. Returns how many bytes it has taken. */
async function fill(pal: NetworkPal, socket: SocketHandle, data: Uint8Array, bed: Bed): Promise<number> {
  let sent = 0;
  let blocked = 0;
  await until(
    () => {
      const taken = pal.tryWrite(socket, data.subarray(sent % data.length));
      if (taken === WouldBlock) blocked++;
      else [sent, blocked] = [sent + taken, 0];
      return blocked > 50;
    },
    () => `the send buffers to be full, after ${sent} bytes`,
    bed,
  );
  return sent;
}

onEveryBed('tryWrite beside asynchronous calls', (bed) => {
  const fixture = sharedPal(bed);

  it('hands a small answer to the system in one call, while a read is pending', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const answer = read(pal, client);
    const { pendingCallbacks, operations, syscalls, bytesSent } = pal.stats();
    expect(pal.tryWrite(client, seededBytes(64))).to.equal(64);
    const after = pal.stats();
    expect(after).to.deep.include({ pendingCallbacks, operations, bytesSent: bytesSent + 64, queuedBytes: 0 });
    expect(after.syscalls['WSASend']).to.equal((syscalls['WSASend'] ?? 0) + 1);
    expect((await readExactly(pal, served, 64)).equals(seededBytes(64))).to.equal(true);
    // The read goes on, and so do further answers.
    expect(pal.tryWrite(served, seededBytes(10, 2))).to.equal(10);
    expect((await answer).equals(seededBytes(10, 2))).to.equal(true);
  });

  it('many in a row arrive in order, also in place from allocateBuffer()', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const own = pal.allocateBuffer(100);
    const sent: Buffer[] = [];
    for (let round = 0; round < 50; round++) {
      const data = seededBytes(100, round);
      own.set(data);
      expect(pal.tryWrite(client, round % 2 === 0 ? own : data)).to.equal(100);
      own.fill(0); // what was taken is the system's
      sent.push(Buffer.from(data));
    }
    expect((await readExactly(pal, served, 5000)).equals(Buffer.concat(sent))).to.equal(true);
  });

  it('takes parts from allocateBuffer() from where they lie, with one call, as far as there is room', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const parts = [70, 9000, 1].map((size, index) => {
      const own = pal.allocateBuffer(size);
      own.set(seededBytes(size, index));
      return own;
    });
    const list = [...parts, new Uint8Array(0), parts[1]!.subarray(10)];
    const { syscalls } = pal.stats();
    expect(pal.tryWrite(client, list)).to.equal(70 + 9000 + 1 + 8990);
    expect(pal.stats().syscalls['WSASend'], 'one call').to.equal((syscalls['WSASend'] ?? 0) + 1);
    const expected = Buffer.concat(list);
    for (const part of parts) part.fill(0); // what was taken is the system's
    expect((await readExactly(pal, served, expected.length)).equals(expected)).to.equal(true);
    // More than one call carries: its beginning.
    const large = pal.allocateBuffer(MIB);
    large.set(seededBytes(MIB, 5));
    const taken = pal.tryWrite(client, [parts[0]!, large]);
    expect(taken).to.be.within(71, 262_144);
    const begin = Buffer.concat([parts[0]!, large]).subarray(0, taken);
    expect((await readExactly(pal, served, taken)).equals(begin)).to.equal(true);
  });

  it('takes the parts of a list one behind the other, empty ones and parts from allocateBuffer() too', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const own = pal.allocateBuffer(300);
    own.set(seededBytes(300, 3));
    const list = [seededBytes(70, 1), new Uint8Array(0), own, seededBytes(9000, 4).subarray(10), new Uint8Array([7])];
    const { syscalls } = pal.stats();
    expect(pal.tryWrite(client, list)).to.equal(70 + 300 + 8990 + 1);
    expect(pal.stats().syscalls['WSASend'], 'one call').to.equal((syscalls['WSASend'] ?? 0) + 1);
    const expected = Buffer.concat(list);
    for (const part of list) part.fill(0); // what was taken is the system's
    expect((await readExactly(pal, served, expected.length)).equals(expected)).to.equal(true);
  });

  it('of a list that is too large it takes what one call takes, from its start', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const list = Array.from({ length: 40 }, (_, index) => seededBytes(10_000, index));
    const all = Buffer.concat(list);
    const taken = pal.tryWrite(client, list);
    expect(taken).to.be.within(1, 262_144);
    expect((await readExactly(pal, served, taken)).equals(all.subarray(0, taken))).to.equal(true);
  });

  it('refuses lists of nothing, of what are no bytes, and of bytes that were detached, and sends nothing', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const detached = new Uint8Array(10);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const lists: Record<string, unknown[]> = {
      ERR_INVALID_ARG_VALUE: [[], [new Uint8Array(0), new Uint8Array(0)]],
      ERR_INVALID_ARG_TYPE: [
        [seededBytes(5), 'text'],
        [seededBytes(5), [seededBytes(5)]],
      ],
      ERR_BUFFER_DETACHED: [[seededBytes(5), detached]],
    };
    for (const [code, wrong] of Object.entries(lists)) {
      for (const list of wrong) {
        expect(thrownBy(() => pal.tryWrite(client, list as Uint8Array[]))).to.include({ code });
      }
    }
    expect(pal.tryWrite(client, seededBytes(3))).to.equal(3);
    expect((await readExactly(pal, served, 3)).equals(seededBytes(3))).to.equal(true);
  });

  it('takes nothing while an asyncWrite is queued, and goes on behind it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const large = seededBytes(8 * MIB);
    const receiving = readExactly(pal, served, large.length + 20);
    const writing = write(pal, client, large);
    expect(pal.tryWrite(client, seededBytes(20, 2))).to.equal(WouldBlock);
    await writing;
    await untilTaken(pal, client, seededBytes(20, 2), bed);
    expect((await receiving).equals(Buffer.concat([large, seededBytes(20, 2)]))).to.equal(true);
  });

  it('takes nothing while a file is sent, and goes on behind it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const content = seededBytes(2 * MIB);
    const sending = sendFile(pal, client, bed.putFile('before-try-write', content));
    expect(pal.tryWrite(client, seededBytes(20, 2))).to.equal(WouldBlock);
    const receiving = readExactly(pal, served, content.length + 20);
    await sending;
    await untilTaken(pal, client, seededBytes(20, 2), bed);
    expect((await receiving).equals(Buffer.concat([content, seededBytes(20, 2)]))).to.equal(true);
  });

  it('takes nothing where the system has no room; an asyncWrite waits for it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = seededBytes(MIB);
    const sent = await fill(pal, client, data, bed);
    expect(pal.getQueuedBytes(client), 'nothing is kept for later').to.equal(0);
    const writing = write(pal, client, seededBytes(100, 2));
    const received = await readExactly(pal, served, sent + 100);
    expect(await writing).to.equal(100);
    const expected = Buffer.concat([...Array.from({ length: Math.ceil(sent / MIB) }, () => data)]).subarray(0, sent);
    expect(received.equals(Buffer.concat([expected, seededBytes(100, 2)]))).to.equal(true);
  });

  for (const how of ['closeSocket', 'shutdown'] as const) {
    it(`what it has taken arrives before the end that ${how} sends`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const receiving = readToEnd(pal, served);
      pal.asyncRead(client, new Uint8Array(1), 1, () => undefined);
      expect(pal.tryWrite(client, seededBytes(5000))).to.equal(5000);
      if (how === 'closeSocket') pal.closeSocket(client);
      else pal.shutdown(client, 'send');
      expect((await receiving).equals(seededBytes(5000))).to.equal(true);
    });
  }

  it("behind shutdown('send') it throws EPIPE, and on a closed socket it takes nothing", async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    pal.shutdown(client, 'send');
    expect(thrownBy(() => pal.tryWrite(client, seededBytes(1)))).to.include({ code: 'EPIPE' });
    await close(pal, client);
    expect(pal.tryWrite(client, seededBytes(1))).to.equal(WouldBlock);
  });

  it('never throws on a connection that its peer has broken: the next asyncWrite is told why', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await reset(pal, served);
    await until(
      () => pal.tryWrite(client, seededBytes(1000)) === WouldBlock,
      () => 'the system to know of the reset',
      bed,
    );
    await turns(5, bed);
    expect(pal.tryWrite(client, seededBytes(1000))).to.equal(WouldBlock);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, seededBytes(10), outcomes.expect('write'));
    await outcomes.settled(bed);
    expect(outcomes.errors.get('write')?.code).to.be.oneOf(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);
    expect(outcomes.errors.get('write')?.syscall).to.equal('WSASend');
  });
});
