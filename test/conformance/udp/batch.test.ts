/** asyncReceiveBatch: all datagrams that are there, lent to one callback. */
import { expect } from 'chai';
import type { DatagramBatch, Endpoint, NetworkPal, OperationOptions, UdpHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { receive, send } from '../../support/udp.ts';
import { collectUncaught } from '../../support/uncaught.ts';
import { until } from '../../support/until.ts';

interface Taken {
  readonly data: Buffer;
  readonly size: number;
  readonly peer: Endpoint;
}

/** What is in a batch, copied. */
function contentOf(batch: DatagramBatch): Taken[] {
  return Array.from({ length: batch.count }, (_, index) => {
    const start = batch.start(index);
    const data = Buffer.from(batch.bytes.subarray(start, start + batch.length(index)));
    expect(batch.view(index).equals(data)).to.equal(true);
    return { data, size: batch.size(index), peer: batch.peer(index) };
  });
}

function receiveBatch(pal: NetworkPal, socket: UdpHandle, options: OperationOptions = {}): Promise<Taken[]> {
  return new Promise((resolve, reject) => {
    pal.asyncReceiveBatch(socket, options, (error, batch) => {
      if (error === null) resolve(contentOf(batch));
      else reject(error);
    });
  });
}

/** Batches until there were so many datagrams. */
async function receiveAll(pal: NetworkPal, socket: UdpHandle, count: number): Promise<Taken[][]> {
  const batches: Taken[][] = [];
  for (let left = count; left > 0;) {
    const batch = await receiveBatch(pal, socket);
    batches.push(batch);
    left -= batch.length;
  }
  return batches;
}

const firstBytes = (taken: readonly Taken[]): number[] => taken.map(({ data }) => data[0] ?? -1);
const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

onEveryBed('udp, batches', (bed) => {
  const fixture = testPal(bed);

  /** Sends datagrams of these sizes, which begin with their number; they are in the system's buffer, or on their way there. */
  function sendAll(pal: NetworkPal, to: { address: string; port: number }, sizes: readonly number[]): Buffer[] {
    const client = pal.createUdpSocket('127.0.0.1', 0);
    return sizes.map((size, number) => {
      const data = seededBytes(size, number + 1);
      if (size > 0) data[0] = number;
      expect(pal.trySendTo(client.handle, data, to)).to.equal(size);
      return data;
    });
  }

  for (const receiveDepth of [1, 3]) {
    it(`have every datagram whole, in order and with its sender (receiveDepth ${receiveDepth})`, async () => {
      const { pal } = fixture;
      const server = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth });
      const sizes = [1, 64, 0, 1200, 3, 9000, 1, 64, 500, 1];
      const sent = sendAll(pal, server, sizes);
      const taken = (await receiveAll(pal, server.handle, sizes.length)).flat();
      expect(taken.map(({ data }) => data.length)).to.deep.equal(sizes);
      for (const [index, { data, size, peer }] of taken.entries()) {
        expect(data.equals(sent[index] ?? Buffer.alloc(0)), `datagram ${index}`).to.equal(true);
        expect(size).to.equal(data.length);
        expect(peer).to.include({ address: '127.0.0.1', family: 4 });
      }
      expect(new Set(taken.map(({ peer }) => peer)).size, 'one object for one peer').to.equal(1);
      expect(pal.stats()).to.include({ datagramsReceived: sizes.length, datagramsTruncated: 0 });
    });
  }

  it('have 64 at most, and as many as there are', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    sendAll(pal, server, Array<number>(100).fill(2));
    const batches = await receiveAll(pal, server.handle, 100);
    expect(batches.flatMap(firstBytes)).to.deep.equal(upTo(100));
    // (On a simulated network they are on their way for a while.)
    if (!bed.name.startsWith('simulated')) expect(batches.map(({ length }) => length)).to.deep.equal([64, 36]);
    else expect(Math.max(...batches.map(({ length }) => length))).to.be.within(1, 64);
  });

  it('leave what has no room to the next one', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { receiveBufferSize: 1_000_000 });
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const sent = upTo(6).map((number) => seededBytes(50_000, number + 1));
    const received = receiveAll(pal, server.handle, sent.length);
    for (const data of sent) await send(pal, client.handle, data, server);
    const taken = (await received).flat();
    for (const [index, { data }] of taken.entries()) {
      expect(data.equals(sent[index] ?? Buffer.alloc(0)), `datagram ${index}`).to.equal(true);
    }
  });

  it('say which datagrams the system has cut', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { maxDatagramSize: 100 });
    const sent = sendAll(pal, server, [99, 100, 101, 5000, 7]);
    const taken = (await receiveAll(pal, server.handle, 5)).flat();
    expect(taken.map(({ size }) => size)).to.deep.equal([99, 100, Infinity, Infinity, 7]);
    for (const [index, { data }] of taken.entries()) {
      expect(data.equals((sent[index] ?? Buffer.alloc(0)).subarray(0, 100)), `datagram ${index}`).to.equal(true);
    }
    expect(pal.stats()).to.include({ datagramsReceived: 5, datagramsTruncated: 2 });
  });

  it('are served in order with receives of one datagram, whichever comes first', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    sendAll(pal, server, [2, 2, 2, 2, 2]);
    const first = receive(pal, server.handle);
    const batch = receiveBatch(pal, server.handle);
    expect((await first).data[0]).to.equal(0);
    const some = firstBytes(await batch);
    expect(some).to.deep.equal(upTo(some.length, 1));
    const rest = (await receiveAll(pal, server.handle, 4 - some.length)).flatMap(firstBytes);
    expect([...some, ...rest]).to.deep.equal([1, 2, 3, 4]);
  });

  it('take what was kept while nobody asked', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    sendAll(pal, server, [2, 0, 2, 3000, 2]);
    await receive(pal, server.handle);
    await until(
      () => pal.stats().datagramsReceived === 5,
      () => `5 datagrams, with ${pal.stats().datagramsReceived}`,
      bed,
    );
    const taken = await receiveBatch(pal, server.handle);
    expect(taken.map(({ data, size }) => [data[0] ?? -1, size])).to.deep.equal([
      [-1, 0],
      [2, 2],
      [3, 3000],
      [4, 2],
    ]);
    expect(pal.describe()).to.not.include('datagrams untaken');
  });

  it('are over with their callback: whoever keeps one finds nothing in it', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    sendAll(pal, server, [4]);
    const kept = await new Promise<{ batch: DatagramBatch; view: Buffer }>((resolve, reject) => {
      pal.asyncReceiveBatch(server.handle, (error, batch) => {
        if (error !== null) return reject(error);
        for (const index of [-1, batch.count, 0.5]) {
          expect(() => batch.view(index))
            .to.throw(RangeError)
            .with.property('code', 'ERR_OUT_OF_RANGE');
        }
        resolve({ batch, view: batch.view(0) });
      });
    });
    expect(kept.batch.count).to.equal(0);
    expect(kept.batch.bytes).to.have.lengthOf(0);
    expect(kept.view).to.have.lengthOf(4); // of memory that is still there
  });

  it('may close their socket, or throw, and nothing else is lost', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const received: number[] = [];
    const outcomes = new Outcomes();
    const thrown = await collectUncaught(async () => {
      const next = (): void =>
        void pal.asyncReceiveBatch(server.handle, (error, batch) => {
          if (error !== null) return;
          received.push(...firstBytes(contentOf(batch)));
          next();
          throw new Error('on purpose');
        });
      next();
      sendAll(pal, server, [2, 2, 2]);
      await until(
        () => received.length === 3,
        () => `3 datagrams, with ${received.length}`,
        bed,
      );
    });
    expect(received).to.deep.equal([0, 1, 2]);
    expect(thrown.length).to.be.within(1, 3);
    const other = pal.createUdpSocket('127.0.0.1', 0);
    const told = outcomes.expect('batch');
    const closed = outcomes.expect('close');
    pal.asyncReceiveBatch(other.handle, (error, batch) => {
      told(error, batch.count);
      pal.closeSocket(other.handle, closed);
    });
    const refused = outcomes.expect('next');
    pal.asyncReceiveBatch(other.handle, (error, batch) => refused(error, batch.count));
    sendAll(pal, other, [2]);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['batch ok', 'next ECANCELED', 'close ok']);
    expect([outcomes.values.get('batch'), outcomes.values.get('next')]).to.deep.equal([1, 0]);
    expect(pal.stats().sockets, 'the server and its clients').to.equal(3);
  });

  it('end at their deadline, by cancel() and on a closed socket, and take nothing along', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const late = outcomes.expect('late');
    const cancelled = outcomes.expect('cancelled');
    pal.asyncReceiveBatch(server.handle, { timeout: 5 }, (error, batch) => late(error, batch.count));
    const name = pal.asyncReceiveBatch(server.handle, (error, batch) => cancelled(error, batch.count));
    expect(pal.cancel(name)).to.equal(true);
    await outcomes.settled(bed);
    expect([...outcomes.log].sort()).to.deep.equal(['cancelled ECANCELED', 'late ETIMEDOUT']);
    sendAll(pal, server, [2]);
    expect(firstBytes(await receiveBatch(pal, server.handle))).to.deep.equal([0]);
    pal.closeSocket(server.handle);
    const closed = outcomes.expect('closed');
    pal.asyncReceiveBatch(server.handle, (error, batch) => closed(error, batch.count));
    await outcomes.settled(bed);
    expect(outcomes.errors.get('closed')?.code).to.equal('ECANCELED');
    expect(outcomes.values.get('closed')).to.equal(0);
  });
});
