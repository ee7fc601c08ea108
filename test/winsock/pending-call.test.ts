import { expect } from 'chai';
import type { SocketHandle } from '../../src/pal/handles.ts';
import { Connection } from '../../src/winsock/connection.ts';
import type { EventLoop } from '../../src/winsock/event-loop.ts';
import { isForeignOperation } from '../../src/winsock/pal-number.ts';
import { CallNames, NO_OPERATION, PendingCalls } from '../../src/winsock/pending-call.ts';
import { ReadRequest } from '../../src/winsock/requests.ts';
import { FakeScheduler } from '../support/fake-scheduler.ts';

/** More calls than have a place of their own. */
const MANY = 10_000;

describe('PendingCalls', () => {
  const owner = new Connection(1 as SocketHandle, 4, 0, undefined);
  let calls: PendingCalls;
  beforeEach(() => {
    const loop = { enqueueBehindEvents: (task: () => void) => task() } as unknown as EventLoop;
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

  it('finds nothing under the handle of no call, whatever has ended before', () => {
    for (let times = 0; times < MANY; times++) calls.end(begin());
    expect(calls.find(NO_OPERATION)).to.equal(null);
    expect(calls.find(-0)).to.equal(null);
  });
});
