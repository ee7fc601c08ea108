/** docs/examples/rtmp-relay/player.ts: what a player misses who takes too little. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Frame } from '../../../docs/examples/rtmp-relay/frames.ts';
import { DEFAULT_LIMITS } from '../../../docs/examples/rtmp-relay/limits.ts';
import { Player, UNDER_WAY_BYTES } from '../../../docs/examples/rtmp-relay/player.ts';
import type { Connection } from '../../../src/promises/index.ts';

/** Large frames: a handful fills what may be under way, and as many wait. */
const FRAME_BYTES = UNDER_WAY_BYTES / 4;
const QUEUE_BYTES = 10 * FRAME_BYTES;
const largest = Buffer.alloc(QUEUE_BYTES);
/** All frames are slices of one buffer: which is which. */
const numbers = new WeakMap<Buffer, number>();

/** A player whose connection sends a frame when take() is called, and not before. */
class Slow {
  /** What the connection was given. */
  readonly got: number[] = [];
  behind = 0;
  underWayBytes = 0;
  mostUnderWay = 0;
  isReset = false;
  readonly player: Player;
  readonly #waiting: { readonly bytes: number; readonly settle: (error?: Error) => void }[] = [];

  constructor() {
    const write = (bytes: Buffer): Promise<void> => {
      this.got.push(numbers.get(bytes) ?? NaN);
      this.underWayBytes += bytes.length;
      this.mostUnderWay = Math.max(this.mostUnderWay, this.underWayBytes);
      return new Promise((resolve, reject) => {
        const settle = (error?: Error): void => (error === undefined ? resolve() : reject(error));
        this.#waiting.push({ bytes: bytes.length, settle });
      });
    };
    const reset = (): Promise<void> => {
      this.isReset = true;
      for (const { settle } of this.#waiting.splice(0)) settle(new Error('reset'));
      return Promise.resolve();
    };
    const limits = { ...DEFAULT_LIMITS, queueBytes: QUEUE_BYTES };
    this.player = new Player({ write, reset } as unknown as Connection, limits, () => this.behind++);
  }

  push(frame: Frame): void {
    this.player.push(frame);
  }

  /** The oldest frame that is under way is sent, or fails. */
  async take(error?: Error): Promise<void> {
    const oldest = this.#waiting.shift();
    this.underWayBytes -= oldest?.bytes ?? 0;
    oldest?.settle(error);
    await new Promise(setImmediate);
  }

  async takeAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.take();
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
        expect(slow.mostUnderWay).to.be.at.most(UNDER_WAY_BYTES);
        dropped += slow.player.droppedFrames;
      }),
      { seed: 1 },
    );
    expect(dropped, 'some were slow').to.be.greaterThan(0);
  });

  it('gets the beginning of a group that is larger than its queue, nothing more of it, and then a key frame', async () => {
    const slow = new Slow();
    for (let number = 0; number < 24; number++) slow.push(frame(number, FRAME_BYTES, { isKey: number === 0 }));
    await slow.takeAll();
    expect(slow.got).to.deep.equal(Array.from({ length: 14 }, (_, index) => index)); // four were under way, and ten waited
    slow.push(frame(24));
    slow.push(frame(25, FRAME_BYTES, { isKey: true }));
    await slow.takeAll();
    expect(slow.got.slice(14)).to.deep.equal([25]);
    expect([slow.player.droppedFrames, slow.behind]).to.deep.equal([11, 1]);
  });

  it('misses also the rest of a group whose beginning was dropped', async () => {
    const slow = new Slow();
    for (let number = 0; number < 17; number++) slow.push(frame(number, FRAME_BYTES, { isKey: number % 9 === 0 }));
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

  it('has no more under way than may be, and what is under way is not dropped', async () => {
    const slow = new Slow();
    for (let number = 0; number < 100; number++) slow.push(frame(number, FRAME_BYTES, { isKey: number % 3 === 0 }));
    expect([slow.got, slow.underWayBytes]).to.deep.equal([[0, 1, 2, 3], UNDER_WAY_BYTES]);
    await slow.take();
    expect(slow.got, 'the rest of a group that has begun, or all of another').to.deep.equal([0, 1, 2, 3, 4]);
    await slow.takeAll();
    expect(slow.got).to.deep.equal([0, 1, 2, 3, 4, 5, ...Array.from({ length: 7 }, (_, index) => 93 + index)]);
    expect(slow.mostUnderWay).to.equal(UNDER_WAY_BYTES);
  });

  it('gets a frame that is larger than what may be under way, alone', async () => {
    const slow = new Slow();
    slow.push(frame(0, FRAME_BYTES, { isKey: true }));
    slow.push(frame(1, UNDER_WAY_BYTES + 1));
    slow.push(frame(2, 1));
    expect(slow.got).to.deep.equal([0]);
    await slow.take();
    expect(slow.got).to.deep.equal([0, 1]);
    await slow.take();
    expect(slow.got).to.deep.equal([0, 1, 2]);
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
    const flushed = slow.player.flushed().then(() => (isFlushed = true));
    for (let left = 6; left > 0; left--) {
      expect(isFlushed).to.equal(false);
      await slow.take();
    }
    await flushed;
  });

  it('is reset for a write that fails, gets nothing more, and is flushed', async () => {
    const slow = new Slow();
    for (let number = 0; number < 6; number++) slow.push(frame(number, FRAME_BYTES, { isKey: number === 0 }));
    const flushed = slow.player.flushed();
    const error = new Error('broken');
    await slow.take(error);
    expect([slow.isReset, slow.player.failure, slow.got]).to.deep.equal([true, error, [0, 1, 2, 3]]);
    await flushed;
  });

  it('begins with a key frame', async () => {
    const slow = new Slow();
    slow.push(frame(0));
    slow.push(frame(1, FRAME_BYTES, { isKey: true }));
    slow.player.startOver();
    slow.push(frame(2));
    slow.push(frame(3, FRAME_BYTES, { isKey: true }));
    await slow.takeAll();
    expect([slow.got, slow.player.droppedFrames]).to.deep.equal([[1, 3], 0]);
  });
});
