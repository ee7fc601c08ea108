/** asyncWrite: everything, in order, as few calls of the system as possible, and a limit to what is queued. */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { NetworkErrorCode, WouldBlock, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed, rejectionOf } from '../../support/errors.ts';
import { close, pair, read, readExactly, reset, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

const MIB = 1024 * 1024;

onEveryBed('write', (bed) => {
  const fixture = sharedPal(bed);

  it('sends a list of buffers as one message, empty ones included', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const empty = new Uint8Array(0);
    const parts = [empty, seededBytes(1), empty, empty, seededBytes(5000, 2), seededBytes(3, 3), empty];
    const expected = Buffer.concat(parts);
    const [bytes, received] = await Promise.all([write(pal, client, parts), readExactly(pal, served, expected.length)]);
    expect(bytes).to.equal(expected.length);
    expect(received.equals(expected)).to.equal(true);
  });

  it('sends a list of many buffers', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const parts = Array.from({ length: 3000 }, (_, index) => seededBytes(index % 300, index));
    const expected = Buffer.concat(parts);
    const [received] = await Promise.all([readExactly(pal, served, expected.length), write(pal, client, parts)]);
    expect(received.equals(expected)).to.equal(true);
  });

  it('sends pieces of one buffer from allocateBuffer() in their order, with others between them', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const memory = pal.allocateBuffer(4000);
    seededBytes(4000, 4).copy(memory);
    const parts = [
      memory.subarray(0, 1000),
      memory.subarray(1000, 2000),
      seededBytes(10, 5),
      memory.subarray(2000, 3000),
      memory.subarray(3000),
      memory.subarray(1000, 2000),
    ];
    const expected = Buffer.concat(parts);
    const [received] = await Promise.all([readExactly(pal, served, expected.length), write(pal, client, parts)]);
    expect(received.equals(expected)).to.equal(true);
  });

  it('is not changed by what happens to the list afterwards', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const large = seededBytes(4 * MIB);
    const list = [large, seededBytes(10, 2)];
    const expected = Buffer.concat(list);
    const writing = write(pal, client, list);
    list.length = 0;
    const [received] = await Promise.all([readExactly(pal, served, expected.length), writing]);
    expect(received.equals(expected)).to.equal(true);
  });

  it('coalesces small writes, keeping their order, and answers each', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const count = 1000;
    const messages = Array.from({ length: count }, (_, index) => seededBytes(1 + (index % 50), index));
    const expected = Buffer.concat(messages);
    const before = pal.stats().syscalls['WSASend'] ?? 0;
    const reading = readExactly(pal, served, expected.length);
    messages.forEach((message, index) => pal.asyncWrite(client, message, outcomes.expect(`${index}`)));
    expect((await reading).equals(expected)).to.equal(true);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(messages.map((_, index) => `${index} ok`));
    messages.forEach((message, index) => expect(outcomes.values.get(`${index}`)).to.equal(message.length));
    // One for the first write, and one for all that queued up behind it.
    expect((pal.stats().syscalls['WSASend'] ?? 0) - before).to.be.below(10);
  });

  it('coalesces large writes too, in order', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const messages = [300_000, 10, 262_144, 262_145, 1, 65_536, 700_000].map((size, index) => seededBytes(size, index));
    const expected = Buffer.concat(messages);
    const [received] = await Promise.all([
      readExactly(pal, served, expected.length),
      ...messages.map((message) => write(pal, client, message)),
    ]);
    expect(received.equals(expected)).to.equal(true);
  });

  it('delivers 10 MiB to a slow reader whole', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const sent = seededBytes(10 * MIB);
    const writing = write(pal, client, sent).then(() => close(pal, client));
    const parts: Buffer[] = [];
    for (;;) {
      await turns(1, bed); // the reader has other things to do
      const part = await read(pal, served, 100_000);
      if (part.length === 0) break;
      parts.push(part);
    }
    await writing;
    expect(Buffer.concat(parts).equals(sent)).to.equal(true);
  });

  it('writes in both directions at once without waiting for one another', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const [there, back] = [seededBytes(5 * MIB, 1), seededBytes(5 * MIB, 2)];
    const [first, second] = await Promise.all([
      readExactly(pal, served, there.length),
      readExactly(pal, client, back.length),
      write(pal, client, there),
      write(pal, served, back),
    ]);
    expect(first.equals(there)).to.equal(true);
    expect(second.equals(back)).to.equal(true);
  });

  it('counts what is queued until the kernel has taken it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    expect(pal.getQueuedBytes(client)).to.equal(0);
    const sent = seededBytes(MIB);
    const writing = write(pal, client, sent);
    expect(pal.getQueuedBytes(client)).to.equal(MIB);
    expect(pal.stats().queuedBytes).to.equal(MIB);
    await Promise.all([writing, readExactly(pal, served, MIB)]);
    expect(pal.getQueuedBytes(client)).to.equal(0);
    expect(pal.stats().queuedBytes).to.equal(0);
  });

  it('calls back in a later turn, also for data that the kernel takes at once', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    let inside = true;
    const later = new Promise<boolean>((resolve) => pal.asyncWrite(client, seededBytes(1), () => resolve(!inside)));
    inside = false;
    expect(await later).to.equal(true);
  });

  it('fails when a queued buffer was detached, after sending what was in front of it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const first = seededBytes(MIB);
    const gone = new Uint8Array(100);
    pal.asyncWrite(client, first, outcomes.expect('first'));
    pal.asyncWrite(client, gone, outcomes.expect('gone'));
    pal.asyncWrite(client, seededBytes(10, 3), outcomes.expect('last'));
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    // Not one byte of it was sent, so the stream is still what the peer expects and goes on.
    const expected = Buffer.concat([first, seededBytes(10, 3)]);
    expect((await readExactly(pal, served, expected.length)).equals(expected)).to.equal(true);
    await outcomes.settled(bed);
    expect([...outcomes.log].sort()).to.deep.equal(['first ok', 'gone ERR_BUFFER_DETACHED', 'last ok']);
    expect(outcomes.errors.get('gone')?.kind).to.equal(NetworkErrorCode.WriteFailed);
  });

  it('resets the connection when a buffer is detached halfway through a message', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const gone = new Uint8Array(100);
    pal.asyncWrite(client, [seededBytes(MIB), gone], outcomes.expect('write'));
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    // The peer got a part of the message, and would take the next one for its rest: so there is no next one.
    const parts: Buffer[] = [];
    const collect = async (): Promise<void> => {
      for (let part = await read(pal, served); part.length > 0; part = await read(pal, served)) parts.push(part);
    };
    await collect().catch(() => undefined); // a reset, or the end where the system takes a reset for one
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ERR_BUFFER_DETACHED']);
    expect(outcomes.values.get('write'), 'bytes that were sent').to.be.within(1, MIB);
    expect(pal.getQueuedBytes(client)).to.equal(0);
    expectClosed(await rejectionOf(write(pal, client, seededBytes(1))));
    const received = Buffer.concat(parts);
    expect(seededBytes(MIB).subarray(0, received.length).equals(received)).to.equal(true);
  });
});

/** Writes to a peer that does not read, until the kernel takes no more and a write stays in the queue. */
async function fillUp(pal: NetworkPal, socket: SocketHandle, outcomes: Outcomes): Promise<void> {
  for (let index = 0; ; index++) {
    pal.asyncWrite(socket, new Uint8Array(60_000), outcomes.expect(`write ${index}`));
    const quietTurns = 10; // what the kernel takes, it takes within few
    for (let turn = 0; turn < quietTurns && pal.getQueuedBytes(socket) > 0; turn++) await turns(1);
    if (pal.getQueuedBytes(socket) > 0) return;
  }
}

onEveryBed('write queue limit', (bed) => {
  const limit = 65536;
  const fixture = testPal(bed, { maxQueuedBytesPerSocket: limit });

  it('refuses what does not fit, with a word of its own, and takes it later', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, seededBytes(limit), outcomes.expect('full'));
    const refused = rejectionOf(write(pal, client, seededBytes(1)));
    // What is written before its caller knows would follow a hole.
    const behind = rejectionOf(write(pal, client, seededBytes(1)));
    const error = await refused;
    expect(await behind).to.include({ code: 'ERR_WRITE_QUEUE_FULL' });
    expect((await behind).message).to.match(/An earlier write .* has not come yet/);
    expect(error.code).to.equal('ERR_WRITE_QUEUE_FULL');
    expect(error.kind).to.equal(NetworkErrorCode.ResourceExhausted);
    expect(error.message).to.match(/Wait for write callbacks, or raise maxQueuedBytesPerSocket/);
    await outcomes.settled(bed);
    const [received] = await Promise.all([readExactly(pal, served, limit + 1), write(pal, client, seededBytes(1, 9))]);
    expect(received.equals(Buffer.concat([seededBytes(limit), seededBytes(1, 9)]))).to.equal(true);
  });

  it('takes a single write above it while nothing else is queued, and nothing behind that', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const large = seededBytes(3 * limit + 1);
    for (const round of ['first', 'second']) {
      const written = write(pal, client, large);
      expect(pal.getQueuedBytes(client), round).to.equal(large.length);
      expect(await rejectionOf(write(pal, client, seededBytes(1))), round).to.include({ code: 'ERR_WRITE_QUEUE_FULL' });
      expect((await readExactly(pal, served, large.length)).equals(large), round).to.equal(true);
      expect(await written, round).to.equal(large.length);
    }
  });

  it('refuses one above it behind another write, and leaves nothing of it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const before = write(pal, client, seededBytes(1));
    const error = await rejectionOf(write(pal, client, new Uint8Array(limit + 1)));
    expect(error).to.include({ code: 'ERR_WRITE_QUEUE_FULL', kind: NetworkErrorCode.ResourceExhausted });
    await Promise.all([before, readExactly(pal, served, 1)]);
    expect(pal.stats()).to.include({ queuedBytes: 0, pendingCallbacks: 0 });
  });

  it('gives the room back when the connection is reset', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    await fillUp(pal, client, outcomes);
    await reset(pal, client);
    await outcomes.settled(bed);
    await until(
      () => pal.stats().queuedBytes === 0,
      () => 'the queue to be empty',
      bed,
    );
  });
});

onEveryBed('limit of all write queues together', (bed) => {
  const limit = 100_000;
  const fixture = testPal(bed, { maxQueuedBytes: limit });

  it('refuses on one socket what others have queued, with a word of its own, and takes it later', async () => {
    const { pal } = fixture;
    const [first, second, third] = [await pair(pal), await pair(pal), await pair(pal)];
    const outcomes = new Outcomes();
    pal.asyncWrite(first.client, seededBytes(60_000), outcomes.expect('first'));
    const refused = rejectionOf(write(pal, third.client, seededBytes(40_001)));
    pal.asyncWrite(second.client, seededBytes(40_000), outcomes.expect('second'));
    expect(pal.stats().queuedBytes).to.equal(limit);
    const error = await refused;
    expect(error).to.include({ code: 'ERR_WRITE_QUEUES_FULL', kind: NetworkErrorCode.ResourceExhausted });
    expect(error.message).to.match(/60000 of at most 100000 .* raise maxQueuedBytes/);
    const [ofFirst, ofSecond] = await Promise.all([
      readExactly(pal, first.served, 60_000),
      readExactly(pal, second.served, 40_000),
    ]);
    expect(ofFirst.equals(seededBytes(60_000)) && ofSecond.equals(seededBytes(40_000))).to.equal(true);
    await outcomes.settled(bed);
    const [received] = await Promise.all([
      readExactly(pal, second.served, limit),
      write(pal, second.client, seededBytes(limit)),
    ]);
    expect(received.equals(seededBytes(limit))).to.equal(true);
  });

  it('takes a single write above it while nothing is queued anywhere, and refuses it otherwise', async () => {
    const { pal } = fixture;
    const [first, second] = [await pair(pal), await pair(pal)];
    const large = seededBytes(2 * limit);
    const small = write(pal, first.client, seededBytes(1));
    expect(await rejectionOf(write(pal, second.client, large))).to.include({ code: 'ERR_WRITE_QUEUES_FULL' });
    await Promise.all([small, readExactly(pal, first.served, 1)]);
    const written = write(pal, second.client, large);
    expect(await rejectionOf(write(pal, first.client, seededBytes(1)))).to.include({ code: 'ERR_WRITE_QUEUES_FULL' });
    expect((await readExactly(pal, second.served, large.length)).equals(large)).to.equal(true);
    expect(await written).to.equal(large.length);
  });

  it('tryWrite takes what there is room for, and a watch waits for room', async () => {
    const { pal } = fixture;
    const [first, second] = [await pair(pal), await pair(pal)];
    const outcomes = new Outcomes();
    pal.asyncWrite(first.client, seededBytes(limit - 10), outcomes.expect('first'));
    expect(pal.tryWrite(second.client, seededBytes(100))).to.equal(10);
    pal.asyncWrite(first.served, seededBytes(10), outcomes.expect('the last room'));
    expect(pal.tryWrite(second.served, seededBytes(100)), 'without room').to.equal(WouldBlock);
    let told = 0;
    let queuedThen = 0;
    pal.watch(second.served, { writable: true }, (error, _readable, writable) => {
      if (error !== null || told > 0) return;
      if (writable) told++;
      queuedThen = pal.stats().queuedBytes;
    });
    await Promise.all([readExactly(pal, first.served, limit - 10), outcomes.settled(bed)]);
    await until(
      () => told > 0,
      () => 'the watch to be told of room',
      bed,
    );
    expect(queuedThen).to.be.below(limit);
    pal.unwatch(second.served);
    expect(pal.tryWrite(second.served, seededBytes(5))).to.equal(5);
  });
});
