/** docs/examples/rtmp-relay/player.ts: what a player misses who takes too little. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Frame } from '../../../docs/examples/rtmp-relay/frames.ts';
import { DEFAULT_LIMITS } from '../../../docs/examples/rtmp-relay/limits.ts';
import { BATCH_BYTES, Player } from '../../../docs/examples/rtmp-relay/player.ts';
import type { Connection } from '../../../src/promises/index.ts';

const FRAME_BYTES = BATCH_BYTES / 4;
const QUEUE_BYTES = 10 * FRAME_BYTES;
const largest = Buffer.alloc(QUEUE_BYTES);
/** All frames are slices of one buffer: which is which. */
const numbers = new WeakMap<Buffer, number>();

/** A player whose connection has its turn, and sends what it is given then, when take() is called and not before. */
class Slow {
  /** What the connection was given, write by write. */
  readonly batches: number[][] = [];
  behind = 0;
  mostAtOnce = 0;
  isReset = false;
  readonly player: Player;
  #waiting: ((error?: Error) => void) | null = null;

  constructor() {
    const wait = (): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#waiting = (error) => (error === undefined ? resolve() : reject(error));
      });
    const write = (batch: Buffer[]): Promise<void> => {
      this.batches.push(batch.map((bytes) => numbers.get(bytes) ?? NaN));
      if (batch.length > 1) this.mostAtOnce = Math.max(this.mostAtOnce, Buffer.concat(batch).length);
      return wait();
    };
    const reset = (): Promise<void> => {
      this.isReset = true;
      return Promise.resolve();
    };
    const limits = { ...DEFAULT_LIMITS, queueBytes: QUEUE_BYTES };
    this.player = new Player({ ready: wait, write, reset } as unknown as Connection, limits, () => this.behind++);
  }

  get got(): number[] {
    return this.batches.flat();
  }

  push(frame: Frame): void {
    this.player.push(frame);
  }

  /** The turn comes and what waits is sent, or the write fails. */
  async take(error?: Error): Promise<void> {
    await this.turn();
    await this.#settle(error);
  }

  /** The turn comes: what waits is written, and not sent yet. */
  turn(error?: Error): Promise<void> {
    return this.#settle(error);
  }

  async takeAll(): Promise<void> {
    while (this.#waiting !== null) await this.#settle();
  }

  async #settle(error?: Error): Promise<void> {
    const settle = this.#waiting;
    this.#waiting = null;
    settle?.(error);
    await new Promise(setImmediate);
  }
}

function frame(number: number, bytes = FRAME_BYTES, more: Partial<Frame> = {}): Frame {
  const data = largest.subarray(0, bytes);
  numbers.set(data, number);
  return { bytes: data, kind: 'video', isKey: false, isKept: false, ...more };
}

/** Groups of pictures: frames with their sizes, numbered through. */
const groupsOf = fc.array(fc.array(fc.integer({ min: 1, max: FRAME_BYTES }), { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 30,
});

describe('docs/examples/rtmp-relay: a player', () => {
  it('gets groups of pictures as a whole or not at all, and always the last', async () => {
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(groupsOf, fc.array(fc.boolean(), { minLength: 1 }), async (groups, takes) => {
        const slow = new Slow();
        let number = 0;
        const counted = groups.map((sizes) => sizes.map(() => number++));
        for (const [index, sizes] of groups.entries()) {
          for (const [at, size] of sizes.entries()) {
            const which = counted[index]?.[at] ?? 0;
            slow.push(frame(which, size, { isKey: at === 0 }));
            if (takes[which % takes.length] === true) await slow.take();
          }
        }
        await slow.takeAll();
        const got = new Set(slow.got);
        expect(slow.got, 'in order, and once').to.deep.equal([...got].sort((one, other) => one - other));
        for (const group of counted) expect(group.filter((one) => got.has(one)).length).to.be.oneOf([0, group.length]);
        expect(got.has(number - 1), 'the newest is what is wanted').to.equal(true);
        expect(slow.player.droppedFrames).to.equal(number - got.size);
        expect(slow.mostAtOnce).to.be.at.most(BATCH_BYTES);
        dropped += slow.player.droppedFrames;
      }),
      { seed: 1 },
    );
    expect(dropped, 'some were slow').to.be.greaterThan(0);
  });

  it('gets the beginning of a group that is larger than its queue, nothing more of it, and then a key frame', async () => {
    const slow = new Slow();
    for (let number = 0; number < 24; number++) {
      slow.push(frame(number, FRAME_BYTES, { isKey: number === 0 }));
      if (number === 3) await slow.turn();
    }
    await slow.takeAll();
    expect(slow.got).to.deep.equal(Array.from({ length: 14 }, (_, index) => index)); // four were on their way, and ten waited
    slow.push(frame(24));
    slow.push(frame(25, FRAME_BYTES, { isKey: true }));
    await slow.takeAll();
    expect(slow.got.slice(14)).to.deep.equal([25]);
    expect([slow.player.droppedFrames, slow.behind]).to.deep.equal([11, 1]);
  });

  it('misses also the rest of a group whose beginning was dropped', async () => {
    const slow = new Slow();
    for (let number = 0; number < 17; number++) {
      slow.push(frame(number, FRAME_BYTES, { isKey: number % 9 === 0 }));
      if (number === 3) await slow.turn();
    }
    await slow.takeAll();
    slow.push(frame(17));
    slow.push(frame(18, FRAME_BYTES, { isKey: true }));
    await slow.takeAll();
    expect(slow.got).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 18]);
  });

  it('gets settings and metadata in the midst of what is dropped', async () => {
    const slow = new Slow();
    for (let number = 0; number < 34; number++) {
      slow.push(frame(number, FRAME_BYTES, number === 9 ? { isKept: true } : { isKey: number % 2 === 0 }));
    }
    await slow.takeAll();
    expect(slow.got).to.include(9).and.to.include(33).and.not.to.include(8);
  });

  it('gets no more with one write than may be, and nothing of that is dropped', async () => {
    const slow = new Slow();
    for (let number = 0; number < 100; number++) {
      slow.push(frame(number, FRAME_BYTES, { isKey: number % 3 === 0 }));
      if (number === 3) await slow.turn();
    }
    expect(slow.batches).to.deep.equal([[0, 1, 2, 3]]);
    await slow.take();
    expect(slow.batches[1], 'the rest of a group that has begun, and the newest').to.deep.equal([4, 5, 93, 94]);
    await slow.takeAll();
    expect(slow.batches.slice(2)).to.deep.equal([[95, 96, 97, 98], [99]]);
  });

  it('gets what has come until his turn, and not what came before it alone', async () => {
    const slow = new Slow();
    slow.push(frame(0, 100, { isKey: true }));
    await new Promise(setImmediate);
    slow.push(frame(1, 100));
    expect(slow.batches).to.deep.equal([]);
    await slow.turn();
    slow.push(frame(2, 100));
    slow.push(frame(3, 100));
    await slow.takeAll();
    expect(slow.batches).to.deep.equal([
      [0, 1],
      [2, 3],
    ]);
  });

  it('gets a frame that is larger than a write may be, alone', async () => {
    const slow = new Slow();
    slow.push(frame(0, FRAME_BYTES, { isKey: true }));
    slow.push(frame(1, BATCH_BYTES + 1));
    slow.push(frame(2, 1));
    await slow.takeAll();
    expect(slow.batches).to.deep.equal([[0], [1], [2]]);
  });

  it('is told to be behind once until it has caught up', async () => {
    const slow = new Slow();
    const keys = (from: number, to: number): void => {
      for (let number = from; number < to; number++) slow.push(frame(number, FRAME_BYTES, { isKey: true }));
    };
    keys(0, 40);
    expect(slow.behind).to.equal(1);
    await slow.take();
    keys(40, 80);
    expect(slow.behind).to.equal(1);
    await slow.takeAll();
    keys(80, 120);
    expect(slow.behind).to.equal(2);
  });

  it('is flushed when everything has been sent', async () => {
    const slow = new Slow();
    for (let number = 0; number < 6; number++) slow.push(frame(number, FRAME_BYTES, { isKey: number === 0 }));
    let isFlushed = false;
    const flushed = slow.player.sending?.then(() => (isFlushed = true));
    await slow.take();
    await slow.turn();
    expect([slow.got, isFlushed]).to.deep.equal([[0, 1, 2, 3, 4, 5], false]);
    await slow.takeAll();
    await flushed;
    expect([isFlushed, slow.player.sending]).to.deep.equal([true, null]);
  });

  for (const [what, fails] of Object.entries({
    'a write that fails': (slow: Slow, error: Error) => slow.take(error),
    'a connection that breaks before his turn': async (slow: Slow, error: Error) => {
      await slow.take();
      await slow.turn(error);
    },
  })) {
    it(`is reset for ${what}, gets nothing more, and is flushed`, async () => {
      const slow = new Slow();
      for (let number = 0; number < 6; number++) slow.push(frame(number, FRAME_BYTES, { isKey: number === 0 }));
      const flushed = slow.player.sending;
      const error = new Error('broken');
      await fails(slow, error);
      await flushed;
      expect([slow.isReset, slow.player.failure]).to.deep.equal([true, error]);
      expect(slow.got.slice(0, 4)).to.deep.equal([0, 1, 2, 3]);
      expect(slow.got.length).to.be.oneOf([4, 6]);
    });
  }

  it('begins with a key frame, and does so again when the stream has ended', async () => {
    const slow = new Slow();
    slow.push(frame(0));
    slow.push(frame(1, FRAME_BYTES, { isKey: true }));
    slow.push(frame(2, 100, { kind: 'end', isKept: true }));
    slow.push(frame(3));
    slow.push(frame(4, FRAME_BYTES, { isKey: true }));
    await slow.takeAll();
    expect([slow.got, slow.player.droppedFrames]).to.deep.equal([[1, 2, 4], 0]);
  });
});
