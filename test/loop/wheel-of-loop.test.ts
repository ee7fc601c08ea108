import { expect } from 'chai';
import { DeadlineEntry, wheelOf, type DeadlineWheel } from '../../src/loop/deadline-wheel.ts';
import { FakeScheduler } from '../support/fake-scheduler.ts';

class Item extends DeadlineEntry {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

/** Deadlines of an event loop; here all of them lie the same time ahead, as those of closing sockets do. */
describe('The deadline wheel of a loop', () => {
  const MS = 100;
  let scheduler: FakeScheduler;
  let expired: string[];
  let charged: number;
  let wheel: DeadlineWheel<Item>;
  /** A turn of the loop takes a millisecond. */
  const loop = {
    charge: (things: number): void => void (charged += things),
    enqueue: (task: () => void): void => void scheduler.setTimer(1, task),
    enqueueBehindEvents: (task: () => void): void => task(),
  };
  beforeEach(() => {
    scheduler = new FakeScheduler();
    expired = [];
    charged = 0;
    wheel = wheelOf(loop, scheduler, (item) => expired.push(item.name));
  });
  const add = (name: string, ms = MS): void => wheel.add(new Item(name), ms);

  it('reports each item once its time is over, in order', () => {
    add('a');
    scheduler.advance(60);
    add('b');
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
    for (let item = 0; item < 3000; item++) add(String(item));
    scheduler.advance(100);
    expect(expired).to.have.lengthOf(256);
    expect(charged, 'things that the turn has handled').to.equal(256);
    scheduler.advance(1);
    expect(expired).to.have.lengthOf(512);
    scheduler.advance(10);
    expect(expired).to.deep.equal(Array.from({ length: 3000 }, (_, item) => String(item)));
    expect(scheduler.pending, 'no timer is left').to.equal(0);
  });

  it('needs one timer for any number of items', () => {
    for (let index = 0; index < 1000; index++) add(String(index));
    expect(scheduler.pending).to.equal(1);
    scheduler.advance(100 + 3);
    expect(expired).to.have.lengthOf(1000);
  });

  it('works again after it ran dry', () => {
    add('a');
    scheduler.advance(1000);
    add('b');
    scheduler.advance(99);
    expect(expired).to.deep.equal(['a']);
    scheduler.advance(1);
    expect(expired).to.deep.equal(['a', 'b']);
  });

  it('takes items that are added while it reports', () => {
    wheel = wheelOf(loop, scheduler, (item) => {
      expired.push(item.name);
      if (expired.length < 3) add('more', 10);
    });
    add('first', 10);
    scheduler.advance(100);
    expect(expired).to.deep.equal(['first', 'more', 'more']);
  });

  it('is over with dispose', () => {
    add('a');
    wheel.dispose();
    expect(scheduler.pending).to.equal(0);
    scheduler.advance(1000);
    expect(expired).to.deep.equal([]);
  });
});
