/** Which address is tried when: RFC 8305 in fake time. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  DEFAULT_ATTEMPT_DELAY_MS,
  FAMILIES,
  HappyEyeballs,
  RESOLUTION_DELAY_MS,
  type Family,
} from '../../../src/tcp/by-name/happy-eyeballs.ts';
import { FakeScheduler } from '../../support/fake-scheduler.ts';

/** Records `milliseconds address`. */
class Bench {
  readonly scheduler = new FakeScheduler();
  readonly log: string[] = [];
  /** Addresses whose attempt fails before attempt() returns. */
  readonly hopeless = new Set<string>();
  readonly eyeballs: HappyEyeballs<string>;
  readonly #start = this.scheduler.now();

  constructor(delay: number | null = DEFAULT_ATTEMPT_DELAY_MS, families: readonly Family[] = FAMILIES) {
    this.eyeballs = new HappyEyeballs<string>(this.scheduler, families, delay, {
      attempt: (address) => {
        this.#note(address);
        if (this.hopeless.has(address)) this.eyeballs.failed();
      },
      exhausted: () => this.#note('exhausted'),
    });
  }

  #note(what: string): void {
    this.log.push(`${this.scheduler.now() - this.#start} ${what}`);
  }
}

describe('Happy Eyeballs: when the first attempt starts', () => {
  it('at once when AAAA comes first', () => {
    const { eyeballs, log } = new Bench();
    eyeballs.resolved(6, ['six']);
    expect(log).to.deep.equal(['0 six']);
  });

  it('50 ms after A when AAAA does not come', () => {
    const { eyeballs, log, scheduler } = new Bench();
    scheduler.advance(7);
    eyeballs.resolved(4, ['four']);
    scheduler.advance(RESOLUTION_DELAY_MS - 1);
    expect(log).to.deep.equal([]);
    scheduler.advance(1);
    expect(log).to.deep.equal(['57 four']);
  });

  it('with IPv6 when AAAA comes within these 50 ms', () => {
    const { eyeballs, log, scheduler } = new Bench();
    eyeballs.resolved(4, ['four']);
    scheduler.advance(20);
    eyeballs.resolved(6, ['six']);
    scheduler.advance(1000);
    expect(log).to.deep.equal(['20 six', '270 four']);
  });

  it('at once with IPv4 when AAAA fails within these 50 ms, or had failed', () => {
    for (const first of FAMILIES) {
      const { eyeballs, log, scheduler } = new Bench();
      eyeballs.resolved(first, first === 4 ? ['four'] : []);
      scheduler.advance(20);
      eyeballs.resolved(first === 4 ? 6 : 4, first === 4 ? [] : ['four']);
      expect(log).to.deep.equal(['20 four']);
    }
  });

  it('at once when one family only is asked for', () => {
    const { eyeballs, log } = new Bench(DEFAULT_ATTEMPT_DELAY_MS, [4]);
    eyeballs.resolved(4, ['four']);
    expect(log).to.deep.equal(['0 four']);
  });

  it('when AAAA comes, where A has brought nothing', () => {
    const { eyeballs, log, scheduler } = new Bench();
    eyeballs.resolved(4, []);
    scheduler.advance(3000);
    expect(log).to.deep.equal([]);
    eyeballs.resolved(6, ['six']);
    expect(log).to.deep.equal(['3000 six']);
  });

  it('never when both bring nothing', () => {
    const { eyeballs, log, scheduler } = new Bench();
    eyeballs.resolved(6, []);
    expect(log).to.deep.equal([]);
    eyeballs.resolved(4, []);
    expect(log).to.deep.equal(['0 exhausted']);
    scheduler.advance(1000);
    expect([log.length, scheduler.pending]).to.deep.equal([1, 0]);
  });
});

describe('Happy Eyeballs: which attempt comes next', () => {
  it('alternates between the families, and takes what is left of one', () => {
    const { eyeballs, log, scheduler } = new Bench(100);
    eyeballs.resolved(6, ['a', 'b', 'c', 'd']);
    eyeballs.resolved(4, ['x', 'y']);
    scheduler.advance(10_000);
    expect(log).to.deep.equal(['0 a', '100 x', '200 b', '300 y', '400 c', '500 d']);
    expect(scheduler.pending, 'timers').to.equal(0);
  });

  it('starts at once when one has failed, and counts the delay from then on', () => {
    const { eyeballs, log, scheduler } = new Bench(250);
    eyeballs.resolved(6, ['a', 'b']);
    eyeballs.resolved(4, ['x', 'y']);
    scheduler.advance(30);
    eyeballs.failed();
    scheduler.advance(249);
    expect(log).to.deep.equal(['0 a', '30 x']);
    scheduler.advance(1);
    expect(log.at(-1)).to.equal('280 b');
  });

  it('takes addresses that come late at their turn', () => {
    const { eyeballs, log, scheduler } = new Bench(100);
    eyeballs.resolved(4, ['x', 'y', 'z']);
    scheduler.advance(50);
    expect(log).to.deep.equal(['50 x']);
    eyeballs.resolved(6, ['a']);
    scheduler.advance(1000);
    expect(log).to.deep.equal(['50 x', '150 a', '250 y', '350 z']);
  });

  it('starts a late one at once when the delay is over and nothing was left', () => {
    const { eyeballs, log, scheduler } = new Bench(100);
    eyeballs.resolved(6, ['a']);
    scheduler.advance(400);
    eyeballs.resolved(4, ['x']);
    expect(log).to.deep.equal(['0 a', '400 x']);
  });

  it('starts a late one at once when all before it have failed', () => {
    const { eyeballs, log, scheduler } = new Bench(100);
    eyeballs.resolved(6, ['a']);
    scheduler.advance(10);
    eyeballs.failed();
    expect(log, 'A may still come').to.deep.equal(['0 a']);
    scheduler.advance(10);
    eyeballs.resolved(4, ['x']);
    eyeballs.failed();
    expect(log).to.deep.equal(['0 a', '20 x', '20 exhausted']);
  });

  it('gives up only when the last one has failed', () => {
    const { eyeballs, log, scheduler } = new Bench(100);
    eyeballs.resolved(6, ['a']);
    eyeballs.resolved(4, ['x']);
    scheduler.advance(100);
    eyeballs.failed();
    expect(log).to.deep.equal(['0 a', '100 x']);
    scheduler.advance(5000);
    eyeballs.failed();
    expect(log.at(-1)).to.equal('5100 exhausted');
  });

  it('never runs two side by side without a delay', () => {
    const { eyeballs, log, scheduler } = new Bench(null);
    eyeballs.resolved(6, ['a']);
    scheduler.advance(10_000);
    eyeballs.resolved(4, ['x']);
    scheduler.advance(10_000);
    expect(log).to.deep.equal(['0 a']);
    eyeballs.failed();
    expect(log).to.deep.equal(['0 a', '20000 x']);
  });

  it('goes on when attempts fail before they have begun', () => {
    const { eyeballs, log, hopeless, scheduler } = new Bench(100);
    for (const address of ['a', 'x', 'b']) hopeless.add(address);
    eyeballs.resolved(4, ['x', 'y']);
    eyeballs.resolved(6, ['a', 'b']);
    expect(log).to.deep.equal(['0 a', '0 x', '0 b', '0 y']);
    eyeballs.failed();
    expect(log.at(-1)).to.equal('0 exhausted');
    expect(scheduler.pending, 'timers').to.equal(0);
  });

  it('starts nothing after stop()', () => {
    const { eyeballs, log, scheduler } = new Bench(100);
    eyeballs.resolved(6, ['a', 'b']);
    eyeballs.stop();
    eyeballs.resolved(4, ['x']);
    eyeballs.failed();
    scheduler.advance(1000);
    expect([log, scheduler.pending]).to.deep.equal([['0 a'], 0]);
  });

  it('tries every address once, whatever comes when, and then is exhausted', () => {
    const addresses = fc.nat(4).map((count) => Array.from({ length: count }, (_, index) => index));
    const event = fc.oneof(fc.constantFrom('six', 'four', 'fail' as const), fc.integer({ min: 0, max: 300 }));
    fc.assert(
      fc.property(addresses, addresses, fc.array(event), (sixes, fours, events) => {
        const { eyeballs, log, scheduler } = new Bench(100);
        const left = { six: sixes.map((name) => `six${name}`), four: fours.map((name) => `four${name}`) };
        const all = [...left.six, ...left.four];
        const answered = new Set<string>();
        let failed = 0;
        const answer = (which: 'six' | 'four'): void => {
          if (answered.has(which)) return;
          answered.add(which);
          eyeballs.resolved(which === 'six' ? 6 : 4, left[which]);
        };
        const fail = (): void => {
          if (failed === log.length) return;
          failed++;
          eyeballs.failed();
        };
        for (const what of events) {
          if (typeof what === 'number') scheduler.advance(what);
          else if (what === 'fail') fail();
          else answer(what);
        }
        answer('six');
        answer('four');
        scheduler.advance(RESOLUTION_DELAY_MS);
        while (!log.some((line) => line.endsWith('exhausted'))) fail();
        const tried = log.map((line) => line.split(' ')[1]);
        expect(tried.pop()).to.equal('exhausted');
        expect([...tried].sort()).to.deep.equal([...all].sort());
        expect(scheduler.pending, 'timers').to.equal(0);
      }),
      { numRuns: 1000 },
    );
  });
});
