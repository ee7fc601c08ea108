/** The rule by which a soak fails: series that must pass, and series that must not. */
import { expect } from 'chai';
import { Prng } from '../../src/sim/schedule/prng.ts';
import { FEWEST_SAMPLES, judgeGrowth, median, theilSen, type Point } from './growth.ts';

const COUNT = 120;
const ALLOWANCE = 100;

/** A sample every 5 s: ten minutes. */
function series(value: (index: number, noise: number) => number, count = COUNT): Point[] {
  const prng = new Prng(1);
  return Array.from({ length: count }, (_, index) => ({
    at: index * 5,
    value: value(index, prng.next() / 2 ** 31 - 1), // noise: -1 … 1
  }));
}

const passing: Record<string, (index: number, noise: number) => number> = {
  'a level': () => 1000,
  'noise around a level, as wide as the allowance to both sides': (_index, noise) => 5000 + noise * ALLOWANCE,
  'a saw, as a heap between two collections': (index) => 1000 + (index % 7) * 500,
  'a warm-up that ends in the first quarter': (index) => 1000 + Math.min(index, 29) * 300,
  'one step, as a cache that is filled once': (index) => (index < 70 ? 1000 : 5000),
  'outliers upwards, one in five': (index) => (index % 5 === 0 ? 50_000 : 1000),
  'outliers at the very end': (index) => (index > 105 ? 50_000 : 1000),
  'a fall': (index) => 100_000 - index * 100,
  'growth below the allowance': (index) => 1000 + index * (90 / 90),
};

const failing: Record<string, (index: number, noise: number) => number> = {
  'a leak of a little per sample': (index) => 1000 + index * 1.3,
  'the same leak under noise': (index, noise) => 1000 + index * 5 + noise * 200,
  'a staircase: a leak that shows every minute': (index) => 1000 + Math.floor(index / 12) * 20,
  'a leak with outliers downwards': (index) => (index % 6 === 0 ? 0 : 1000 + index * 3),
  'a leak under a saw': (index) => 1000 + (index % 7) * 50 + index * 4,
  'a leak that begins after a third': (index) => 1000 + Math.max(0, index - 40) * 4,
};

describe('judgeGrowth', () => {
  for (const [name, value] of Object.entries(passing)) {
    it(`passes ${name}`, () => {
      const verdict = judgeGrowth(series(value), ALLOWANCE);
      expect(verdict.passed, JSON.stringify(verdict)).to.equal(true);
    });
  }

  for (const [name, value] of Object.entries(failing)) {
    it(`fails ${name}`, () => {
      const verdict = judgeGrowth(series(value), ALLOWANCE);
      expect(verdict.passed, JSON.stringify(verdict)).to.equal(false);
    });
  }

  it('says how much: the slope times the time that counts', () => {
    const { level, growth } = judgeGrowth(
      series((index) => 1000 + index * 2),
      ALLOWANCE,
    );
    expect(growth).to.be.closeTo(2 * (COUNT - 1 - COUNT / 4), 0.001);
    expect(level).to.be.closeTo(1000 + (2 * COUNT) / 4, 0.001);
  });

  it('refuses to judge a handful of samples', () => {
    const few = series(() => 1, FEWEST_SAMPLES - 1);
    expect(() => judgeGrowth(few, ALLOWANCE)).to.throw(RangeError, /Cannot judge 11 samples/);
    expect(
      judgeGrowth(
        series(() => 1, FEWEST_SAMPLES),
        0,
      ).passed,
    ).to.equal(true);
  });
});

describe('theilSen', () => {
  it('is the slope of a line, whatever the distances', () => {
    const at = [0, 1, 5, 6, 20, 21];
    expect(theilSen(at.map((x) => ({ at: x, value: 3 * x - 7 })))).to.be.closeTo(3, 1e-9);
  });

  it('is 0 where there is nothing to compare', () => {
    expect(theilSen([])).to.equal(0);
    expect(theilSen([{ at: 1, value: 5 }])).to.equal(0);
  });
});

describe('median', () => {
  it('is the middle, or between the two in the middle', () => {
    expect([median([]), median([4]), median([9, 1]), median([5, 1, 30])]).to.deep.equal([0, 4, 5, 5]);
  });
});
