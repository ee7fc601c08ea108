import { expect } from 'chai';
import { GraceTimer } from '../../src/loop/grace-timer.ts';
import { FakeScheduler } from '../support/fake-scheduler.ts';

describe('GraceTimer', () => {
  let scheduler: FakeScheduler;
  let expired: string[];
  let timer: GraceTimer<string>;
  beforeEach(() => {
    scheduler = new FakeScheduler();
    expired = [];
    timer = new GraceTimer(scheduler, 100, (item) => expired.push(item));
  });

  it('reports each item once its time is over, in order', () => {
    timer.add('a');
    scheduler.advance(60);
    timer.add('b');
    scheduler.advance(39);
    expect(expired).to.deep.equal([]);
    scheduler.advance(1);
    expect(expired).to.deep.equal(['a']);
    scheduler.advance(59);
    expect(expired).to.deep.equal(['a']);
    scheduler.advance(1);
    expect(expired).to.deep.equal(['a', 'b']);
    expect(scheduler.pending, 'no timer is left').to.equal(0);
  });

  it('reports thousands whose time is over at once a part at a time, in order', () => {
    for (let item = 0; item < 3000; item++) timer.add(String(item));
    scheduler.advance(100);
    expect(expired).to.have.lengthOf(1024);
    scheduler.advance(1);
    expect(expired).to.have.lengthOf(2048);
    scheduler.advance(1);
    expect(expired).to.deep.equal(Array.from({ length: 3000 }, (_, item) => String(item)));
    expect(scheduler.pending, 'no timer is left').to.equal(0);
  });

  it('needs one timer for any number of items', () => {
    for (let index = 0; index < 1000; index++) timer.add(String(index));
    expect(scheduler.pending).to.equal(1);
    scheduler.advance(100);
    expect(expired).to.have.lengthOf(1000);
  });

  it('works again after it ran dry', () => {
    timer.add('a');
    scheduler.advance(1000);
    timer.add('b');
    scheduler.advance(99);
    expect(expired).to.deep.equal(['a']);
    scheduler.advance(1);
    expect(expired).to.deep.equal(['a', 'b']);
  });

  it('takes items that are added while it reports', () => {
    const again = new GraceTimer<string>(scheduler, 10, (item) => {
      expired.push(item);
      if (expired.length < 3) again.add('more');
    });
    again.add('first');
    scheduler.advance(100);
    expect(expired).to.deep.equal(['first', 'more', 'more']);
  });

  it('is over with dispose', () => {
    timer.add('a');
    timer.dispose();
    expect(scheduler.pending).to.equal(0);
    scheduler.advance(1000);
    expect(expired).to.deep.equal([]);
  });
});
