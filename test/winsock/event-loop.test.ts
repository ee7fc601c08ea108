/** What the event loop counts, against a source that finds what the test says. */
import { expect } from 'chai';
import { Counters } from '../../src/winsock/counters.ts';
import { EventLoop } from '../../src/winsock/event-loop.ts';
import type { EventSource } from '../../src/winsock/event-source.ts';
import type { Scheduler } from '../../src/winsock/kernel.ts';

interface Found {
  /** What the waiter has found, turn by turn. */
  taken: number[];
  /** What polls find, one after another. */
  polled: number[];
}

function makeLoop({ taken, polled }: Found): { loop: EventLoop; counters: Counters; runAll: () => void } {
  const counters = new Counters();
  const turns: (() => void)[] = [];
  let waiting = false;
  const source: EventSource = {
    batchSize: 128,
    poll: () => polled.shift() ?? 0,
    take: () => {
      waiting = false;
      return taken.shift() ?? 0;
    },
    dispatch: () => undefined,
    get waiting() {
      return waiting;
    },
    waitsHere: false,
    wakePort: null,
    wait: () => (waiting = true),
    countWaits: () => (counters.calls.GetQueuedCompletionStatusEx += 7),
    ref: () => undefined,
    unref: () => undefined,
    close: () => Promise.resolve(),
  };
  const never = (): never => {
    throw new Error('Not part of these tests');
  };
  const scheduler: Scheduler = {
    now: () => 0,
    soon: (turn) => turns.push(turn),
    setTimer: never,
    clearTimer: never,
  };
  const loop = new EventLoop({ scheduler, source, counters, completed: never, afterTurn: () => undefined });
  const runAll = (): void => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
  };
  return { loop, counters, runAll };
}

describe('the event loop counts', () => {
  it('packets, batches and the largest, from the waiter and from polls', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [3, 1], polled: [128, 128, 9] });
    loop.activate();
    runAll();
    expect(counters).to.include({ packets: 3 + 128 + 128 + 9 + 1, batches: 5, largestBatch: 128 });
  });

  it('the most that the waiter has left in the mailbox, whatever polls find', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [2, 5, 4], polled: [100] });
    loop.activate();
    runAll();
    loop.wake();
    runAll();
    expect(counters.mailboxHighWater).to.equal(5);
  });

  it('doorbells', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [], polled: [] });
    loop.activate();
    runAll();
    expect(counters.doorbells).to.equal(0);
    loop.wake();
    loop.wake();
    expect(counters.doorbells).to.equal(2);
  });

  it('the most that has waited without a packet of its own', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [], polled: [] });
    loop.activate();
    const nothing = (): void => undefined;
    for (let count = 0; count < 4; count++) loop.enqueue(nothing);
    runAll();
    for (let count = 0; count < 2; count++) loop.enqueue(nothing);
    runAll();
    expect(counters.readyHighWater).to.equal(4);
  });

  it('the calls of the waiter, when somebody asks', () => {
    const { loop, counters } = makeLoop({ taken: [], polled: [] });
    loop.countWaits();
    expect(counters.calls.GetQueuedCompletionStatusEx).to.equal(7);
  });
});
