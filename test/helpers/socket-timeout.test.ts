/** Time limits for connections, in time that the test moves. */
import { expect } from 'chai';
import {
  createHeaderTimeout,
  createIdleTimeout,
  type NetworkPal,
  type SocketHandle,
  type SocketTimeout,
} from '../../src/index.ts';
import { thrownBy } from '../support/errors.ts';
import { FakeScheduler } from '../support/fake-scheduler.ts';

const socket = (number: number): SocketHandle => number as SocketHandle;

describe('createIdleTimeout', () => {
  let scheduler: FakeScheduler;
  let over: number[];
  let idle: SocketTimeout;
  const pal = { getQueuedBytes: () => 0 } as unknown as NetworkPal;
  beforeEach(() => {
    scheduler = new FakeScheduler();
    over = [];
    idle = createIdleTimeout(pal, { ms: 100, scheduler, onTimeout: (handle) => over.push(handle) });
  });

  it('reports a socket that nobody touched, once, and not a millisecond early', () => {
    idle.touch(socket(1));
    scheduler.advance(99);
    expect(over).to.deep.equal([]);
    scheduler.advance(1);
    expect(over).to.deep.equal([1]);
    scheduler.advance(1000);
    expect(over).to.deep.equal([1]);
    expect([idle.size, scheduler.pending]).to.deep.equal([0, 0]);
  });

  it('reports thousands whose time is over at once a part at a time, in order, and allows for its own lateness once', () => {
    for (let number = 1; number <= 600; number++) idle.touch(socket(number));
    scheduler.advance(100);
    expect(over).to.have.lengthOf(256);
    scheduler.advance(1);
    expect(over).to.have.lengthOf(512);
    scheduler.stall(1000);
    scheduler.advance(0);
    expect(over).to.deep.equal(Array.from({ length: 600 }, (_, index) => index + 1));
    expect([idle.size, scheduler.pending]).to.deep.equal([0, 0]);
  });

  it('reports each at its own time, and not the next one along with it', () => {
    idle.touch(socket(1));
    scheduler.advance(1);
    idle.touch(socket(2));
    scheduler.advance(99);
    expect(over).to.deep.equal([1]);
    scheduler.advance(1);
    expect(over).to.deep.equal([1, 2]);
  });

  it('does not decide when the thread was busy: what has arrived meanwhile is handled first', () => {
    idle.touch(socket(1));
    idle.touch(socket(2));
    scheduler.stall(400);
    scheduler.advance(0);
    expect(over, 'the timer was 300 ms late').to.deep.equal([]);
    idle.touch(socket(2));
    scheduler.advance(99);
    expect(over).to.deep.equal([]);
    scheduler.advance(1);
    expect(over, 'as long again as a limit, at most').to.deep.equal([1, 2]);
  });

  it('waits once more for each delay, not for ever', () => {
    idle.touch(socket(1));
    scheduler.stall(400);
    scheduler.advance(0);
    scheduler.stall(400);
    scheduler.advance(0);
    expect(over).to.deep.equal([1]);
    expect([idle.size, scheduler.pending]).to.deep.equal([0, 0]);
  });

  it('each touch begins the time anew', () => {
    idle.touch(socket(1));
    for (let count = 0; count < 10; count++) {
      scheduler.advance(60);
      idle.touch(socket(1));
    }
    scheduler.advance(99);
    expect(over).to.deep.equal([]);
    scheduler.advance(1);
    expect(over).to.deep.equal([1]);
  });

  it('a touch of one does not help the others, whichever it is', () => {
    for (const touched of [1, 2, 3]) {
      over = [];
      for (const each of [1, 2, 3]) idle.touch(socket(each));
      scheduler.advance(50);
      idle.touch(socket(touched));
      scheduler.advance(50);
      expect(over).to.deep.equal([1, 2, 3].filter((each) => each !== touched));
      scheduler.advance(50);
      expect(over.at(-1)).to.equal(touched);
    }
  });

  it('a socket that was stopped is not reported, whichever it is', () => {
    for (const stopped of [1, 2, 3]) {
      over = [];
      for (const each of [1, 2, 3]) idle.touch(socket(each));
      idle.stop(socket(stopped));
      idle.stop(socket(99));
      scheduler.advance(100);
      expect(over).to.deep.equal([1, 2, 3].filter((each) => each !== stopped));
    }
  });

  it('10 000 sockets need one timer, and it fires no more often than there is time for', () => {
    for (let handle = 1; handle <= 10_000; handle++) idle.touch(socket(handle));
    expect(scheduler.pending).to.equal(1);
    scheduler.advance(50);
    for (let handle = 1; handle <= 5000; handle++) idle.touch(socket(handle));
    expect(scheduler.pending).to.equal(1);
    // (A thousandth of a second between two parts of them.)
    scheduler.advance(75);
    expect(over).to.have.lengthOf(5000);
    scheduler.advance(50);
    expect(over).to.have.lengthOf(10_000);
    expect([idle.size, scheduler.pending]).to.deep.equal([0, 0]);
  });

  it('holds no timer when nobody is watched, nor after dispose', () => {
    idle.touch(socket(1));
    idle.stop(socket(1));
    expect(scheduler.pending).to.equal(0);
    idle.touch(socket(2));
    idle.dispose();
    expect([idle.size, scheduler.pending]).to.deep.equal([0, 0]);
    scheduler.advance(1000);
    expect(over).to.deep.equal([]);
  });

  it('a callback may touch, stop and throw', () => {
    let thrown = 0;
    const wild = createIdleTimeout(pal, {
      ms: 10,
      scheduler,
      onTimeout: (handle) => {
        over.push(handle);
        if (handle === socket(1)) wild.touch(socket(7));
        if (handle === socket(2)) wild.stop(socket(3));
        if (handle === socket(4)) {
          thrown++;
          throw new Error('from the callback');
        }
      },
    });
    for (const each of [1, 2, 3, 4, 5]) wild.touch(socket(each));
    expect(() => scheduler.advance(10)).to.throw('from the callback');
    scheduler.advance(100);
    expect(over).to.deep.equal([1, 2, 4, 5, 7]);
    expect([thrown, wild.size, scheduler.pending]).to.deep.equal([1, 0, 0]);
  });

  it('refuses times that make no sense', () => {
    for (const ms of [0, -1, 1.5, 2 ** 31, Number.NaN]) {
      expect(thrownBy(() => createIdleTimeout(pal, { ms })).code).to.equal('ERR_OUT_OF_RANGE');
    }
  });
});

describe('the default of a time limit', () => {
  const calls: string[] = [];
  const pal = {
    getQueuedBytes: () => 0,
    closeSocket: (handle: number) => calls.push(`close ${handle}`),
    resetSocket: (handle: number) => calls.push(`reset ${handle}`),
  } as unknown as NetworkPal;

  it('closes the idle, resets who says nothing', () => {
    const scheduler = new FakeScheduler();
    const idle = createIdleTimeout(pal, { ms: 10, scheduler });
    const header = createHeaderTimeout(pal, { ms: 20, scheduler });
    idle.touch(socket(1));
    header.touch(socket(2));
    scheduler.advance(20);
    expect(calls).to.deep.equal(['close 1', 'reset 2']);
  });
});
