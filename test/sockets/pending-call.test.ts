import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import type { SocketHandle } from '../../src/pal/handles.ts';
import { Connection } from '../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../src/tcp/connection-kind.ts';
import type { EventLoop } from '../../src/loop/event-loop.ts';
import { isForeignOperation, operationBase } from '../../src/util/pal-number.ts';
import { CallNames, NO_OPERATION, PendingCalls } from '../../src/sockets/pending-call.ts';
import { ReadRequest } from '../../src/tcp/connection/requests.ts';
import { isSmallInteger } from '../support/small-integer.ts';
import { FakeScheduler } from '../support/fake-scheduler.ts';

/** More calls than have a place of their own. */
const MANY = 10_000;

describe('PendingCalls', () => {
  const owner = new Connection(connectionKind, 1 as SocketHandle, 4, 0, undefined);
  const loop = { enqueueBehindEvents: (task: () => void) => task() } as unknown as EventLoop;
  let calls: PendingCalls;
  beforeEach(() => {
    calls = new PendingCalls(new FakeScheduler(), loop, new CallNames(0), () => true);
  });
  const begin = (call = new ReadRequest()): ReadRequest => {
    calls.begin(call, owner, null);
    return call;
  };

  it('finds a pending call by its name, and no call that has ended', () => {
    const call = begin();
    const { name } = call;
    expect(calls.find(name)).to.equal(call);
    calls.end(call);
    expect(calls.find(name)).to.equal(null);
  });

  it('finds all of thousands that are pending at once, and ends them in any order', () => {
    const pending = Array.from({ length: MANY }, () => begin());
    for (const call of pending) expect(calls.find(call.name)).to.equal(call);
    const named = pending.map((call) => ({ call, name: call.name })).sort((a, b) => (a.name % 97) - (b.name % 97));
    for (const { call, name } of named) {
      expect(calls.find(name)).to.equal(call);
      calls.end(call);
      expect(calls.find(name)).to.equal(null);
    }
  });

  it('gives a call that is used again another name, under which alone it is found', () => {
    const call = begin();
    const first = call.name;
    calls.end(call);
    for (let times = 0; times < MANY; times++) {
      begin(call);
      expect(calls.find(call.name)).to.equal(call);
      expect(calls.find(first)).to.equal(null);
      calls.end(call);
    }
  });

  it('names calls so that another PAL knows them for foreign', () => {
    for (const pal of [0, 1, 15, 16 + 3]) {
      const names = new CallNames(pal);
      const [first, second] = [-names.next(), -names.next()];
      expect(second).to.equal(first - 1);
      for (const name of [first, second]) {
        expect(name).to.be.within(-(2 ** 31 - 1), -1);
        expect(isForeignOperation(pal, name)).to.equal(false);
        for (let other = 1; other < 16; other++) expect(isForeignOperation(pal + other, name)).to.equal(true);
      }
    }
  });

  it('has no limits before it is given some, and keeps the object that holds them for its next use', () => {
    const call = begin();
    expect(call.limits).to.equal(null);
    calls.end(call);
    calls.begin(call, owner, { timeout: 1000 });
    const { limits } = call;
    expect(limits).to.include({ call, timeout: 1000, hasDeadline: true });
    calls.end(call);
    expect(limits).to.include({ timeout: 0, hasDeadline: false, signal: null });
    calls.begin(call, owner, { signal: new AbortController().signal });
    expect(call.limits).to.equal(limits);
    calls.end(call);
    expect(limits).to.include({ signal: null, pendingCalls: null, signalCalls: null });
  });

  it('gives out names that take no memory, whatever the number of the PAL', () => {
    for (const pal of [0, 1, 15, 8191]) {
      const names = new CallNames(pal);
      expect(isSmallInteger(names.next()), `PAL ${pal}`).to.equal(true);
      // Also before V8 has compiled next(), whose code makes small integers of sums by itself.
      expect(isSmallInteger(operationBase(pal)), `PAL ${pal}`).to.equal(true);
    }
    expect(isSmallInteger(0.5), 'of a number that does take some').to.equal(false);
  });

  describe('with a signal', () => {
    const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
    const beginWith = (signal: AbortSignal, by = calls): ReadRequest => {
      const call = new ReadRequest();
      by.begin(call, owner, { signal });
      return call;
    };
    /** Notes in which order calls are taken back. @param end whether that ends them, or the system has still to answer */
    const noting = (log: ReadRequest[], end: boolean): PendingCalls => {
      const own: PendingCalls = new PendingCalls(new FakeScheduler(), loop, new CallNames(0), (call) => {
        if (call instanceof ReadRequest) log.push(call);
        if (end) own.end(call);
        return true;
      });
      return own;
    };

    it('have one listener, however many they are and of however many PALs, and none when they have ended', async () => {
      const { signal } = new AbortController();
      const others = noting([], true);
      const begun = Array.from({ length: 50 }, (_, index) => {
        const by = index % 2 === 0 ? calls : others;
        return { by, call: beginWith(signal, by) };
      });
      expect(listeners(signal)).to.equal(1);
      for (const { by, call } of begun.toSorted((a, b) => (a.call.name % 7) - (b.call.name % 7))) {
        expect(listeners(signal)).to.equal(1);
        by.end(call);
      }
      await Promise.resolve(); // the signal is told behind what runs now
      expect(listeners(signal)).to.equal(0);
      const again = beginWith(signal);
      expect(listeners(signal)).to.equal(1);
      calls.end(again);
    });

    it('are listened for after a time when the signal could not be listened to', () => {
      const controller = new AbortController();
      const { signal } = controller;
      Object.defineProperty(signal, 'addEventListener', {
        configurable: true,
        value: () => {
          throw new RangeError('no stack left');
        },
      });
      const log: ReadRequest[] = [];
      const own = noting(log, true);
      expect(() => beginWith(signal, own)).to.throw(RangeError);
      delete (signal as Partial<AbortSignal>).addEventListener;
      const call = beginWith(signal, own);
      controller.abort();
      expect(log).to.deep.equal([call]);
    });

    for (const end of [true, false]) {
      it(`are all cancelled when it is aborted, once and in order; that ${end ? 'ends' : 'does not end'} them`, () => {
        const controller = new AbortController();
        const log: ReadRequest[] = [];
        const [one, two] = [noting(log, end), noting(log, end)];
        const begun = Array.from({ length: 20 }, (_, index) =>
          beginWith(controller.signal, index % 3 === 0 ? one : two),
        );
        const ended = begun.splice(4, 3);
        for (const call of ended) two.end(call);
        controller.abort();
        expect(log).to.deep.equal(begun);
        expect(listeners(controller.signal)).to.equal(0);
        for (const call of begun) one.end(call);
      });
    }

    it('may end one another while they are cancelled', () => {
      const controller = new AbortController();
      const log: ReadRequest[] = [];
      const begun: ReadRequest[] = [];
      const own: PendingCalls = new PendingCalls(new FakeScheduler(), loop, new CallNames(0), (call) => {
        if (call instanceof ReadRequest) log.push(call);
        for (const one of begun.slice(0, 5)) own.end(one);
        return true;
      });
      for (let count = 0; count < 8; count++) begun.push(beginWith(controller.signal, own));
      controller.abort();
      expect(log).to.deep.equal([begun[0], ...begun.slice(5)]);
    });

    it('leave nothing for a signal that is aborted after they have ended', () => {
      const controller = new AbortController();
      const log: ReadRequest[] = [];
      const own = noting(log, true);
      own.end(beginWith(controller.signal, own));
      controller.abort();
      expect(log).to.deep.equal([]);
    });
  });

  it('finds nothing under the handle of no call, whatever has ended before', () => {
    for (let times = 0; times < MANY; times++) calls.end(begin());
    expect(calls.find(NO_OPERATION)).to.equal(null);
    expect(calls.find(-0)).to.equal(null);
  });
});
