import { expect } from 'chai';
import { DeadlineEntry, DeadlineWheel, TICK_MS } from '../../src/loop/deadline-wheel.ts';
import { FakeScheduler } from '../support/fake-scheduler.ts';

class Entry extends DeadlineEntry {
  readonly name: string;
  constructor(name = '') {
    super();
    this.name = name;
  }
}

describe('DeadlineWheel', () => {
  let scheduler: FakeScheduler;
  let met: string[];
  let wheel: DeadlineWheel<Entry>;
  beforeEach(() => {
    scheduler = new FakeScheduler();
    met = [];
    wheel = new DeadlineWheel<Entry>(scheduler, () => {
      wheel.expire((entry) => met.push(entry.name), Infinity);
    });
  });
  const add = (name: string, ms: number): Entry => {
    const entry = new Entry(name);
    wheel.add(entry, ms);
    return entry;
  };

  for (const ms of [1, 3, 4, 5, 255, 256, 257, 16_383, 16_384, 16_385, 1_048_575, 1_048_577, 67_108_865, 2 ** 31 - 1]) {
    it(`meets a deadline of ${ms} ms: not before, and within a tick`, () => {
      scheduler.advance(1.7); // not on a tick
      add('a', ms);
      scheduler.advance(ms - 0.001);
      expect(met, 'too early').to.deep.equal([]);
      scheduler.advance(TICK_MS + 1.001);
      expect(met, 'too late').to.deep.equal(['a']);
      expect(wheel.size).to.equal(0);
      expect(scheduler.pending, 'no timer is left').to.equal(0);
    });
  }

  it('knows how long a deadline has left, also on its way down the levels', () => {
    expect(new Entry().timeLeft(scheduler.now()), 'none is set').to.equal(null);
    const due = scheduler.now() + 20_000;
    const entry = add('a', 20_000);
    for (const passed of [0, 1, 10_000, 9_998]) {
      scheduler.advance(passed);
      const left = due - scheduler.now();
      expect(entry.timeLeft(scheduler.now())).to.be.within(left, left + TICK_MS);
    }
    expect(entry.timeLeft(scheduler.now() + 500), 'due, and not met yet').to.equal(0);
    scheduler.advance(TICK_MS + 1);
    expect(met).to.deep.equal(['a']);
    expect(entry.timeLeft(scheduler.now()), 'met').to.equal(null);
  });

  it('agrees with sorting, for thousands of deadlines of all lengths', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const expected = new Map<string, number>();
    const at = new Map<string, number>();
    const own = new DeadlineWheel<Entry>(scheduler, () => {
      own.expire((entry) => at.set(entry.name, scheduler.now()), Infinity);
    });
    for (let index = 0; index < 5000; index++) {
      const ms = Math.ceil(10 ** (random() * 7));
      const entry = new Entry(String(index));
      own.add(entry, ms);
      if (random() < 0.3) own.remove(entry);
      else expected.set(entry.name, scheduler.now() + ms);
      if (random() < 0.1) scheduler.advance(random() * 50);
    }
    scheduler.advance(1e7 + 10);
    expect(at.size).to.equal(expected.size);
    for (const [name, due] of expected) {
      const late = (at.get(name) ?? 0) - due;
      expect(late, name).to.be.within(0, TICK_MS + 1);
    }
  });

  it('hands over as many as the owner likes at a time, in order, and the others with the next looks', () => {
    const own = new DeadlineWheel<Entry>(scheduler, () => undefined);
    const LIMIT = 7;
    const expected: string[] = [];
    // Many in one tick, some in later ones, and one that must not be met with them.
    for (let index = 0; index < 50; index++) {
      own.add(new Entry(String(index)), 100 + (index >= 40 ? index : 0));
      expected.push(String(index));
    }
    own.add(new Entry('later'), 100_000);
    scheduler.stall(1000);
    let looks = 0;
    for (let done = false; !done; looks++) {
      const before = met.length;
      done = own.expire((entry) => met.push(entry.name), LIMIT);
      expect(met.length - before).to.be.at.most(LIMIT);
      if (looks === 2) {
        // What is added meanwhile is not met early.
        own.add(new Entry('added'), 50);
      }
    }
    expect(met).to.deep.equal(expected);
    expect(looks).to.be.within(8, 9);
    expect(own.size).to.equal(2);
    own.dispose();
  });

  it('forgets what is removed, and takes it again', () => {
    const entry = add('a', 100);
    wheel.remove(entry);
    wheel.remove(entry);
    scheduler.advance(200);
    expect(met).to.deep.equal([]);
    wheel.add(entry, 100);
    expect(() => wheel.add(entry, 100)).to.throw('set twice');
    scheduler.advance(104);
    expect(met).to.deep.equal(['a']);
  });

  it('needs one timer for any number of deadlines', () => {
    for (let index = 0; index < 1000; index++) add(String(index), 1000 + index);
    expect(scheduler.pending).to.equal(1);
    scheduler.advance(2010);
    expect(met).to.have.lengthOf(1000);
    expect(met[0]).to.equal('0');
    expect(met[999]).to.equal('999');
  });

  it('after a leap of the clock meets everything that is due, in order, and nothing else', () => {
    let leap = 0;
    let steps = 0;
    const leaping = {
      now: () => {
        steps++;
        return 1000 + leap;
      },
      soon: () => undefined,
      setTimer: () => ({ simulatedTimer: 1 }),
      clearTimer: () => undefined,
    };
    const own = new DeadlineWheel<Entry>(leaping, () => undefined);
    for (const [name, ms] of Object.entries({
      minute: 60_000,
      second: 1000,
      hour: 3_600_000,
      day: 86_400_000,
      week: 604_800_000,
    })) {
      own.add(new Entry(name), ms);
    }
    leap = 2 * 86_400_000;
    steps = 0;
    own.expire((entry) => met.push(entry.name), Infinity);
    expect(met).to.deep.equal(['second', 'minute', 'hour', 'day']);
    expect(own.size).to.equal(1);
    expect(steps, 'looks at the clock').to.be.below(10);
  });

  it('is over with dispose', () => {
    add('a', 10);
    wheel.dispose();
    expect(scheduler.pending).to.equal(0);
  });
});
