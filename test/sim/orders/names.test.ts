/**
 * Connecting by name on the simulated platform: two addresses, in every order of what the resolver, the attempts, the clock
 * and the user do. In each of them there is one callback, the winner's bytes flow under the handle that asyncConnect gave
 * out, the losers' sockets are closed, and no operation, slot, handle or timer is left.
 */
import { expect } from 'chai';
import type { ProfileName } from '../../../src/sim/index.ts';
import { isLong, sampleOf } from '../../support/extent.ts';
import { everyOrderOfTwo, type Fate, type Meeting, type Setting } from '../support/two-attempts.ts';

interface Variant {
  readonly profile: ProfileName;
  readonly waiter: 'worker' | 'inline';
  readonly skips: boolean;
}

const VARIANTS: readonly Variant[] = [
  { profile: 'windows', waiter: 'worker', skips: false },
  { profile: 'wine', waiter: 'inline', skips: true },
];

const REFUSED = 'ECONNREFUSED, ::1 ECONNREFUSED, 127.0.0.1 ECONNREFUSED';
/** IPv4 was tried first, since IPv6 was not resolved in time. */
const REFUSED_LATE = 'ECONNREFUSED, 127.0.0.1 ECONNREFUSED, ::1 ECONNREFUSED';
const CLOSED = 'ECANCELED';

/** What meets the attempts. In a sample, a row has one of these pairs. */
const MEETINGS: readonly (readonly Meeting[])[] = [
  ['closeSocket', 'stopEventLoop'],
  ['resetSocket', 'cancel'],
];

interface Row {
  readonly six: Fate;
  readonly four: Fate;
  readonly outcomes: readonly string[];
  /** Where the resolver's answers may come in any order: those, and these. */
  readonly alsoWhenSlow?: readonly string[];
}

const ROWS: readonly Row[] = [
  { six: 'accepts', four: 'accepts', outcomes: ['IPv6', 'IPv4'] },
  { six: 'accepts', four: 'refuses', outcomes: ['IPv6'] },
  { six: 'accepts', four: 'silent', outcomes: ['IPv6'] },
  { six: 'refuses', four: 'accepts', outcomes: ['IPv4'] },
  { six: 'silent', four: 'accepts', outcomes: ['IPv4'] },
  { six: 'refuses', four: 'refuses', outcomes: [REFUSED], alsoWhenSlow: [REFUSED_LATE] },
];

describe('every order of two attempts', function () {
  let checks = 0;

  async function check(row: Row, meeting: Meeting, more: Partial<Setting>, outcomes: readonly string[]): Promise<void> {
    for (const variant of sampleOf(VARIANTS, checks++)) {
      const { six, four } = row;
      const found = await everyOrderOfTwo({ six, four, meeting, ...more, ...variant });
      expect([...found.outcomes], `${found.orders} orders, ${JSON.stringify(variant)}`).to.have.members([...outcomes]);
      expect(found.orders).to.be.above(1);
    }
  }

  for (const [index, row] of ROWS.entries()) {
    const name = `IPv6 ${row.six}, IPv4 ${row.four}`;

    it(name, () => check(row, 'nothing', {}, row.outcomes));

    // Where both accept, the orders are by far the most: a sample has those without anything else.
    if (!isLong && index === 0) continue;
    for (const meeting of sampleOf(MEETINGS, index).flat()) {
      it(`${name}, while ${meeting}`, () => check(row, meeting, {}, [CLOSED, ...row.outcomes]));
    }

    it(`${name}, and the resolver takes its time`, () =>
      check(row, 'nothing', { slowResolver: true }, [...row.outcomes, ...(row.alsoWhenSlow ?? [])]));
  }

  it('neither answers, and the timeout comes before the second attempt', () =>
    check({ six: 'silent', four: 'silent', outcomes: [] }, 'nothing', { timeout: 50 }, ['ETIMEDOUT']));

  it('neither answers, and the timeout comes after the second attempt', () =>
    check({ six: 'silent', four: 'silent', outcomes: [] }, 'nothing', { timeout: 150 }, ['ETIMEDOUT']));

  it('neither answers, until the system gives up', () =>
    check({ six: 'silent', four: 'silent', outcomes: [] }, 'nothing', {}, [
      'ETIMEDOUT, 2001:db8:1::1 ETIMEDOUT, 192.0.2.1 ETIMEDOUT',
    ]));

  it('the timeout meets two addresses that accept', () =>
    check({ six: 'accepts', four: 'accepts', outcomes: [] }, 'nothing', { timeout: 80, slowResolver: true }, [
      'ETIMEDOUT',
      'IPv6',
      'IPv4',
    ]));

  it('the timeout meets an attempt that is refused', () =>
    check({ six: 'refuses', four: 'silent', outcomes: [] }, 'nothing', { timeout: 50 }, [
      'ETIMEDOUT',
      'ETIMEDOUT, ::1 ECONNREFUSED',
    ]));
});
