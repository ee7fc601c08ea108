/** docs/examples/rtmp-relay/player.ts: what a player misses who takes too little. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Frame } from '../../../docs/examples/rtmp-relay/frames.ts';
import { DEFAULT_LIMITS } from '../../../docs/examples/rtmp-relay/limits.ts';
import { Player } from '../../../docs/examples/rtmp-relay/player.ts';
import type { Connection } from '../../../src/promises/index.ts';

const QUEUE_BYTES = 1000;

/** A player whose connection takes a batch when take() is called, and not before. */
class Slow {
  readonly got: number[] = [];
  behind = 0;
  batches = 0;
  readonly player: Player;
  #waiting: (() => void) | null = null;

  constructor() {
    const write = (batch: Buffer[]): Promise<void> => {
      this.batches++;
      for (const bytes of batch) this.got.push(bytes.readUInt32BE());
      return new Promise((resolve) => (this.#waiting = resolve));
    };
    const limits = { ...DEFAULT_LIMITS, queueBytes: QUEUE_BYTES };
    this.player = new Player({ write } as unknown as Connection, limits, () => this.behind++);
  }

  push(frame: Frame): void {
    this.player.push(frame);
    this.player.send();
  }

  async take(): Promise<void> {
    this.#waiting?.();
    await new Promise(setImmediate);
  }
}

function frame(number: number, bytes: number, more: Partial<Frame> = {}): Frame {
  const data = Buffer.alloc(bytes);
  data.writeUInt32BE(number);
  return { bytes: data, kind: 'video', isKey: false, isKept: false, ...more };
}

/** Groups of pictures: frames with their sizes, numbered through. */
const groupsOf = fc.array(fc.array(fc.integer({ min: 4, max: 100 }), { minLength: 1, maxLength: 6 }), {
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
        const numbers = groups.map((sizes) => sizes.map(() => number++));
        for (const [index, sizes] of groups.entries()) {
          for (const [at, size] of sizes.entries()) {
            const which = numbers[index]?.[at] ?? 0;
            slow.push(frame(which, size, { isKey: at === 0 }));
            if (takes[which % takes.length] === true) await slow.take();
          }
        }
        while (slow.got.at(-1) !== number - 1) {
          const { length } = slow.got;
          await slow.take();
          if (slow.got.length === length) break;
        }
        const got = new Set(slow.got);
        expect(slow.got, 'in order, and once').to.deep.equal([...got].sort((one, other) => one - other));
        for (const group of numbers) expect(group.filter((one) => got.has(one)).length).to.be.oneOf([0, group.length]);
        expect(got.has(number - 1), 'the newest is what is wanted').to.equal(true);
        expect(slow.player.droppedFrames).to.equal(number - got.size);
        dropped += slow.player.droppedFrames;
      }),
      { seed: 1 },
    );
    expect(dropped, 'some were slow').to.be.greaterThan(0);
  });

  it('gets the beginning of a group that is larger than its queue, nothing more of it, and then a key frame', async () => {
    const slow = new Slow();
    for (let number = 0; number < 20; number++) slow.push(frame(number, 100, { isKey: number === 0 }));
    for (let round = 0; round < 20; round++) await slow.take();
    expect(slow.got).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]); // one is under way, and ten wait
    slow.push(frame(20, 100));
    slow.push(frame(21, 100, { isKey: true }));
    for (let round = 0; round < 3; round++) await slow.take();
    expect(slow.got.slice(11)).to.deep.equal([21]);
    expect([slow.player.droppedFrames, slow.behind]).to.deep.equal([10, 1]);
  });

  it('gets settings and metadata in the midst of what is dropped', async () => {
    const slow = new Slow();
    for (let number = 0; number < 30; number++) {
      slow.push(frame(number, 100, number === 5 ? { isKept: true } : { isKey: number % 2 === 0 }));
    }
    for (let round = 0; round < 40; round++) await slow.take();
    expect(slow.got).to.include(5).and.to.include(29).and.not.to.include(4);
  });

  it('is sent together what was pushed together', async () => {
    const slow = new Slow();
    for (let number = 0; number < 5; number++) slow.player.push(frame(number, 100, { isKey: number === 0 }));
    expect(slow.got).to.deep.equal([]);
    slow.player.send();
    expect([slow.got, slow.batches]).to.deep.equal([[0, 1, 2, 3, 4], 1]);
    await slow.take();
  });

  it('begins with a key frame', async () => {
    const slow = new Slow();
    slow.push(frame(0, 100));
    slow.push(frame(1, 100, { isKey: true }));
    slow.player.startOver();
    slow.push(frame(2, 100));
    slow.push(frame(3, 100, { isKey: true }));
    for (let round = 0; round < 4; round++) await slow.take();
    expect([slow.got, slow.player.droppedFrames]).to.deep.equal([[1, 3], 0]);
  });
});
