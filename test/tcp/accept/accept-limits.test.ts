import { expect } from 'chai';
import { AcceptLimits, NO_LIMITS, type AcceptLimitSettings } from '../../../src/tcp/accept/accept-limits.ts';

/** Any time but 0. */
const START = 5000;

function limits(settings: Partial<AcceptLimitSettings>): AcceptLimits {
  return new AcceptLimits({ ...NO_LIMITS, ...settings }, START);
}

describe('AcceptLimits', () => {
  it('without limits have room for ever', () => {
    const none = limits({});
    for (let count = 0; count < 1000; count++) none.opened('a', START);
    expect(none.room(START)).to.equal(Infinity);
    expect(none.refusal('a', START)).to.equal(null);
    expect(none.open).to.equal(1000);
  });

  it("'pause': room is what is left of maxConnections", () => {
    const three = limits({ maxConnections: 3 });
    expect(three.room(START)).to.equal(3);
    three.opened('a', START);
    three.opened('b', START);
    expect(three.room(START)).to.equal(1);
    three.opened('c', START);
    expect(three.room(START)).to.equal(0);
    expect(three.blockedBy(START)).to.equal('maxConnections');
    three.closed('b');
    expect(three.room(START)).to.equal(1);
    expect(three.blockedBy(START)).to.equal(null);
  });

  it("'close': there is always room, and what is too much is refused", () => {
    const one = limits({ maxConnections: 1, whenFull: 'close' });
    expect(one.refusal('a', START)).to.equal(null);
    one.opened('a', START);
    expect(one.room(START)).to.equal(Infinity);
    expect(one.refusal('b', START)).to.equal('maxConnections');
    one.closed('a');
    expect(one.refusal('b', START)).to.equal(null);
  });

  it('count each address by itself, and forget those that have left', () => {
    const two = limits({ maxConnectionsPerAddress: 2 });
    two.opened('a', START);
    two.opened('a', START);
    expect(two.refusal('a', START)).to.equal('maxConnectionsPerAddress');
    expect(two.refusal('b', START)).to.equal(null);
    two.closed('a');
    expect(two.refusal('a', START)).to.equal(null);
    two.opened('a', START);
    expect(two.refusal('a', START), 'the one that stayed still counts').to.equal('maxConnectionsPerAddress');
    two.closed('a');
    two.closed('a');
    two.opened('a', START);
    expect(two.refusal('a', START)).to.equal(null);
    expect(two.room(START), 'no address stops the others').to.equal(Infinity);
  });

  it('acceptRate: a second of them at once, then one after the other', () => {
    const ten = limits({ acceptRate: 10 });
    expect(ten.room(START)).to.equal(10);
    for (let count = 0; count < 10; count++) ten.opened('a', START);
    expect(ten.room(START)).to.equal(0);
    expect(ten.blockedBy(START)).to.equal('acceptRate');
    expect(ten.msUntilRoom(START)).to.equal(100);
    expect(ten.room(START + 99)).to.equal(0);
    expect(ten.msUntilRoom(START + 99)).to.be.within(1, 2);
    expect(ten.room(START + 101)).to.equal(1);
    expect(ten.room(START + 60_000), 'never more than a second of them').to.equal(10);
  });

  it('acceptRate holds over any stretch of time', () => {
    const limited = limits({ acceptRate: 7 });
    let accepted = 0;
    for (let ms = 0; ms <= 10_000; ms += 3) {
      while (limited.room(START + ms) > 0) {
        limited.opened('a', START + ms);
        accepted++;
      }
      expect(accepted).to.be.at.most(7 + (7 * ms) / 1000);
    }
    expect(accepted).to.be.at.least(7 + 7 * 10 - 1);
  });

  it("acceptRate with 'close': what comes too soon is refused, and does not count", () => {
    const one = limits({ acceptRate: 1, whenFull: 'close' });
    expect(one.refusal('a', START)).to.equal(null);
    one.opened('a', START);
    for (let count = 0; count < 5; count++) expect(one.refusal('a', START + 500)).to.equal('acceptRate');
    expect(one.refusal('a', START + 1001)).to.equal(null);
  });

  it('acceptRate with a pause counts those that were refused for their address too', () => {
    const limited = limits({ acceptRate: 5, maxConnectionsPerAddress: 1 });
    limited.opened('a', START);
    for (let count = 0; count < 4; count++) limited.refusal('a', START);
    expect(limited.room(START)).to.equal(0);
  });
});
