import { expect } from 'chai';
import {
  ABANDONED,
  allocateRing,
  ASLEEP,
  AWAKE,
  CELL_BYTES,
  cellsFor,
  CLOSED,
  HEAD,
  HEADER_BYTES,
  INSIDE,
  LOAD,
  MIN_CELLS,
  SIGNAL,
  TAIL,
  viewRing,
} from '../../src/remote/ring-layout.ts';
import { RemoteCommand } from '../../src/remote/commands.ts';
import { RingConsumer, RingProducer, Submitted } from '../../src/remote/ring.ts';
import { startThread } from '../support/thread.ts';
import type { ProducerTask } from './children/producer.ts';

interface ProducerEnd {
  wakes: number;
  full: number;
  closedAt: number;
}

/** A producer thread; `wake` is called for each of its wake-ups. */
function startProducer(task: ProducerTask, wake: () => void): Promise<ProducerEnd> {
  return new Promise((resolve, reject) => {
    const worker = startThread(new URL('children/producer', import.meta.url), task);
    worker.on('error', reject);
    worker.on('message', (message: 'wake' | ProducerEnd) => {
      if (message === 'wake') wake();
      else resolve(message);
    });
  });
}

const bytes = (length: number, value = 7): Uint8Array => new Uint8Array(length).fill(value);
const ignore = (): void => undefined;

/** A producer whose wakes fail until `wake.fails` is false; `wake.count` counts those that did not. */
function unreliable(ring: SharedArrayBuffer): { producer: RingProducer; wake: { fails: boolean; count: number } } {
  const wake = { fails: true, count: 0 };
  const producer = new RingProducer(ring, () => {
    if (wake.fails) throw new Error('no wake');
    wake.count++;
  });
  return { producer, wake };
}

describe('remote/ring', () => {
  const buffer = (): SharedArrayBuffer => allocateRing(MIN_CELLS * CELL_BYTES);

  it('gives back what was put in, in order, across the end of the ring', () => {
    const ring = buffer();
    const producer = new RingProducer(ring, ignore);
    const consumer = new RingConsumer(ring);
    const lengths = [0, 1, 47, 48, 49, 200, 1000, producer.largestPayload];
    for (let round = 0; round < 100; round++) {
      const length = lengths[round % lengths.length]!;
      const subject = 2 ** 40 + round * 2 ** 32 + 0xfffffff0 + (round % 16);
      expect(producer.submit(round, subject, bytes(length, round))).to.equal(Submitted.Done);
      expect(consumer.take()).to.equal(true);
      expect(consumer.record.kind).to.equal(round);
      expect(consumer.record.subject).to.equal(subject);
      expect(consumer.record.payload.equals(bytes(length, round)), `length ${length}`).to.equal(true);
      expect(consumer.take()).to.equal(false);
    }
  });

  it('says when it is full, overwrites nothing, and has room again once a record was taken', () => {
    const ring = buffer();
    const producer = new RingProducer(ring, ignore);
    const consumer = new RingConsumer(ring);
    let count = 0;
    const most = Math.floor(MIN_CELLS / cellsFor(100));
    while (count <= most && producer.submit(1, count, bytes(100, count)) === Submitted.Done) count++;
    expect(count).to.equal(most);
    expect(producer.submit(1, 99, bytes(100))).to.equal(Submitted.Full);
    expect(consumer.take()).to.equal(true);
    expect(consumer.record.subject).to.equal(0);
    expect(producer.submit(1, count, bytes(100, count))).to.equal(Submitted.Done);
    for (let expected = 1; expected <= count; expected++) {
      expect(consumer.take()).to.equal(true);
      expect(consumer.record.subject).to.equal(expected);
      expect(consumer.record.payload[99]).to.equal(expected);
    }
    expect(consumer.take()).to.equal(false);
  });

  it('refuses what can never fit', () => {
    const producer = new RingProducer(buffer(), ignore);
    expect(producer.largestPayload).to.equal((MIN_CELLS / 2) * CELL_BYTES - HEADER_BYTES);
    expect(producer.submit(1, 1, bytes(producer.largestPayload + 1))).to.equal(Submitted.TooLarge);
    expect(producer.submit(1, 1, bytes(producer.largestPayload))).to.equal(Submitted.Done);
  });

  it('goes on behind a record whose bytes could not be had', () => {
    const ring = buffer();
    const producer = new RingProducer(ring, ignore);
    const consumer = new RingConsumer(ring);
    const half = producer.largestPayload;
    expect(producer.submit(1, 1, bytes(half - CELL_BYTES))).to.equal(Submitted.Done);
    expect(consumer.take()).to.equal(true);
    const broken = bytes(half);
    broken.subarray = () => {
      throw new Error('no bytes');
    };
    // It goes across the end of the ring, so that it is copied in two parts.
    expect(producer.submit(1, 2, bytes(half))).to.equal(Submitted.Done);
    expect(consumer.take()).to.equal(true);
    expect(() => producer.submit(1, 3, broken)).to.throw('no bytes');
    expect(producer.submit(1, 4, bytes(5))).to.equal(Submitted.Done);
    expect(consumer.take()).to.equal(true);
    expect(consumer.record.kind).to.equal(RemoteCommand.Nothing);
    expect(consumer.take()).to.equal(true);
    expect(consumer.record).to.include({ kind: 1, subject: 4 });
    expect([...consumer.record.payload]).to.deep.equal([...bytes(5)]);
    expect(consumer.take()).to.equal(false);
  });

  it('asks for the length of what is submitted once', () => {
    class Changing extends Uint8Array {
      looks = 0;
      override get byteLength(): number {
        this.looks++;
        return this.looks === 1 ? 4 : 2 ** 20;
      }
    }
    const ring = buffer();
    const producer = new RingProducer(ring, ignore);
    const consumer = new RingConsumer(ring);
    expect(producer.submit(1, 1, new Changing([1, 2, 3, 4]))).to.equal(Submitted.Done);
    expect(consumer.take()).to.equal(true);
    expect([...consumer.record.payload]).to.deep.equal([1, 2, 3, 4]);
  });

  it('counts positions on beyond 2^31', () => {
    const ring = buffer();
    const { words } = viewRing(ring);
    const start = 2 ** 31 - MIN_CELLS;
    words[TAIL] = start << 1;
    words[HEAD] = start;
    const producer = new RingProducer(ring, ignore);
    const consumer = new RingConsumer(ring);
    for (let round = 0; round < 3 * MIN_CELLS; round++) {
      expect(producer.submit(2, round, bytes(60, round))).to.equal(Submitted.Done);
      expect(consumer.take()).to.equal(true);
      expect(consumer.record.subject).to.equal(round);
    }
    expect(words[HEAD]).to.be.below(start);
    producer.submit(2, 1, bytes(1));
    consumer.take();
    consumer.close();
    expect(consumer.isFinished).to.equal(true);
  });

  it('wakes once per sleep', () => {
    const ring = buffer();
    let wakes = 0;
    const producer = new RingProducer(ring, () => wakes++);
    const consumer = new RingConsumer(ring);
    for (let count = 0; count < 10; count++) producer.submit(1, count, bytes(1));
    expect(wakes).to.equal(1);
    expect(consumer.sleep()).to.equal(false);
    producer.submit(1, 10, bytes(1));
    while (consumer.take());
    producer.submit(1, 11, bytes(1));
    expect(wakes).to.equal(1);
    while (consumer.take());
    expect(consumer.sleep()).to.equal(true);
    producer.submit(1, 12, bytes(1));
    expect(wakes).to.equal(2);
  });

  it('keeps the record of a wake that failed, and the next one wakes again', () => {
    const ring = buffer();
    const { producer, wake } = unreliable(ring);
    const consumer = new RingConsumer(ring);
    expect(() => producer.submit(1, 1, bytes(1))).to.throw('no wake');
    expect(viewRing(ring).words[INSIDE]).to.equal(0);
    wake.fails = false;
    producer.submit(1, 2, bytes(1));
    expect(wake.count).to.equal(1);
    expect(consumer.take() && consumer.record.subject).to.equal(1);
    expect(consumer.take() && consumer.record.subject).to.equal(2);
  });

  it('wakes a consumer that sleeps before a full queue, since its wake had failed', () => {
    const ring = buffer();
    const { producer, wake } = unreliable(ring);
    const consumer = new RingConsumer(ring);
    const largest = bytes(producer.largestPayload);
    const fill = (): Submitted => {
      for (;;) {
        try {
          const outcome = producer.submit(1, 1, largest);
          if (outcome !== Submitted.Done) return outcome;
        } catch {
          // Queued all the same.
        }
      }
    };
    expect(fill()).to.equal(Submitted.Full);
    wake.fails = false;
    expect(producer.submit(1, 2, largest), 'what finds no room').to.equal(Submitted.Full);
    expect(wake.count).to.equal(1);
    expect(producer.submit(1, 2, largest)).to.equal(Submitted.Full);
    expect(wake.count, 'it is awake now').to.equal(1);
    expect(viewRing(ring).words[INSIDE]).to.equal(0);
    while (consumer.take()) expect(consumer.record.payload).to.have.lengthOf(largest.length);
    expect(consumer.sleep()).to.equal(true);
    expect(producer.submit(1, 3, largest)).to.equal(Submitted.Done);
    expect(wake.count).to.equal(2);
  });

  it('takes what was claimed before it closed, and nothing after', () => {
    const ring = buffer();
    const producer = new RingProducer(ring, ignore);
    const consumer = new RingConsumer(ring);
    producer.submit(1, 1, bytes(10));
    consumer.close();
    expect(producer.isClosed).to.equal(true);
    expect(producer.submit(1, 2, bytes(10))).to.equal(Submitted.Closed);
    expect(consumer.isFinished).to.equal(false);
    expect(consumer.take()).to.equal(true);
    expect(consumer.take()).to.equal(false);
    expect(consumer.isFinished).to.equal(true);
  });

  it('is not finished while a producer is inside, and a late one learns that it was abandoned', () => {
    const ring = buffer();
    const { words } = viewRing(ring);
    const consumer = new RingConsumer(ring);
    Atomics.add(words, INSIDE, 1);
    consumer.close();
    expect(consumer.isFinished).to.equal(false);
    // A claim from before the close whose thread comes back too late.
    Atomics.and(words, TAIL, ~CLOSED);
    consumer.abandon();
    expect(words[ABANDONED]).to.equal(1);
    expect(new RingProducer(ring, ignore).submit(1, 1, bytes(1))).to.equal(Submitted.Closed);
  });

  it('gives out what is complete behind a record that never will be, once it is abandoned', () => {
    const ring = buffer();
    const { words } = viewRing(ring);
    const producer = new RingProducer(ring, ignore);
    const consumer = new RingConsumer(ring);
    producer.submit(1, 1, bytes(100));
    Atomics.add(words, TAIL, cellsFor(200) << 1); // a claim of a thread that is gone
    producer.submit(1, 2, bytes(200));
    producer.submit(1, 3, bytes(0));
    consumer.close();
    expect(consumer.take() && consumer.record.subject).to.equal(1);
    expect(consumer.take()).to.equal(false);
    consumer.abandon();
    expect(consumer.drainCommitted() && consumer.record.subject).to.equal(2);
    expect(consumer.record.payload.equals(bytes(200))).to.equal(true);
    expect(consumer.drainCommitted() && consumer.record.subject).to.equal(3);
    expect(consumer.drainCommitted()).to.equal(false);
  });

  it('commits a record behind its last byte', () => {
    const ring = buffer();
    const { commits } = viewRing(ring);
    const commitWords: (number | undefined)[] = [];
    // Reading the payload is the only step of writing that can be watched.
    const payload = {
      length: 1,
      byteLength: 1,
      get 0() {
        commitWords.push(commits[0]);
        return 1;
      },
    };
    expect(new RingProducer(ring, ignore).submit(1, 1, payload as never)).to.equal(Submitted.Done);
    expect(commitWords).to.deep.equal([0]);
    expect(commits[0]).to.equal(1);
  });

  it('lets both sides change the load', () => {
    const ring = buffer();
    const producer = new RingProducer(ring, ignore);
    producer.addLoad(3);
    new RingConsumer(ring).addLoad(-1);
    expect(producer.load).to.equal(2);
    expect(viewRing(ring).words[LOAD]).to.equal(2);
  });

  it('refuses memory that is not a ring', () => {
    expect(() => viewRing(new SharedArrayBuffer(1000))).to.throw(RangeError, 'as a ring');
  });

  it('carries the records of four threads: none lost, none twice, each thread in order', async () => {
    const ring = allocateRing(16 * 1024);
    const consumer = new RingConsumer(ring);
    const producers = 4;
    const records = 5000;
    const maxLength = 700;
    const next = new Array<number>(producers).fill(0);
    let taken = 0;
    let wakesHeard = 0;
    let allTaken: () => void = ignore;
    const everything = new Promise<void>((resolve) => (allTaken = resolve));
    const drain = (): void => {
      wakesHeard++;
      do {
        while (consumer.take()) {
          const { kind, subject, payload } = consumer.record;
          expect(subject, `producer ${kind}`).to.equal(next[kind]);
          const length = (subject * 37 + kind * 11) % (maxLength + 1);
          expect(payload.length).to.equal(length);
          if (length > 0) {
            expect(payload[0]).to.equal((subject + kind) & 0xff);
            expect(payload[length - 1]).to.equal((subject + kind) & 0xff);
          }
          next[kind] = subject + 1;
          taken++;
        }
      } while (!consumer.sleep());
      if (taken === producers * records) allTaken();
    };
    const ends = await Promise.all(
      next.map((_, producer) => startProducer({ buffer: ring, producer, records, maxLength }, drain)),
    );
    await everything;
    expect(next).to.deep.equal(new Array<number>(producers).fill(records));
    expect(ends.reduce((sum, { wakes }) => sum + wakes, 0)).to.equal(wakesHeard);
    expect(
      ends.some(({ full }) => full > 0),
      'the ring was full at times',
    ).to.equal(true);
    expect(viewRing(ring).words[SIGNAL]).to.equal(ASLEEP);
    consumer.close();
    expect(consumer.isFinished).to.equal(true);
  });

  it('closed in the middle: every record that was accepted into the queue comes out', async () => {
    const ring = allocateRing(16 * 1024);
    const consumer = new RingConsumer(ring);
    const next = [0, 0, 0];
    let taken = 0;
    const drain = (): void => {
      do {
        while (consumer.take()) {
          expect(consumer.record.subject).to.equal(next[consumer.record.kind]);
          next[consumer.record.kind] = consumer.record.subject + 1;
          if (++taken === 2000) consumer.close();
        }
      } while (!consumer.sleep());
    };
    const ends = await Promise.all(
      next.map((_, producer) => startProducer({ buffer: ring, producer, records: 1e9, maxLength: 100 }, drain)),
    );
    drain();
    expect(consumer.isFinished).to.equal(true);
    expect(next).to.deep.equal(ends.map(({ closedAt }) => closedAt));
    expect(viewRing(ring).words[SIGNAL]).to.be.oneOf([ASLEEP, AWAKE]);
  });
});
