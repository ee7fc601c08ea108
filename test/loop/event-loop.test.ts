/** What the event loop counts, against a source that finds what the test says. */
import { expect } from 'chai';
import { Counters } from '../../src/loop/counters.ts';
import { EventLoop } from '../../src/loop/event-loop.ts';
import type { EventSource } from '../../src/loop/event-source.ts';
import { Operation } from '../../src/memory/operation.ts';
import type { Scheduler } from '../../src/platform/platform.ts';

interface Found {
  /** What the waiter has found, turn by turn. */
  taken: number[];
  /** What polls find, one after another. */
  polled: number[];
}

interface Setting {
  ticksBetweenCallbacks?: boolean;
  dispatch?: (index: number) => void;
  completed?: (operation: Operation) => void;
}

const never = (): never => {
  throw new Error('Not part of these tests');
};

function makeLoop(
  found: Found,
  { ticksBetweenCallbacks = false, dispatch = () => undefined, completed = never }: Setting = {},
): {
  loop: EventLoop;
  counters: Counters;
  scheduler: Scheduler;
  runAll: () => void;
  /** Macrotasks that were asked for and have not run. */
  turns: (() => void)[];
  found: Found;
} {
  const { taken, polled } = found;
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
    dispatch,
    get waiting() {
      return waiting;
    },
    waitsHere: false,
    wakePort: null,
    wait: () => (waiting = true),
    countWaits: () => (counters.syscalls.GetQueuedCompletionStatusEx += 7),
    ref: () => undefined,
    unref: () => undefined,
    close: () => Promise.resolve(),
  };
  const scheduler: Scheduler = {
    now: () => 0,
    soon: (turn) => turns.push(turn),
    setTimer: never,
    clearTimer: never,
  };
  const loop = new EventLoop({
    scheduler,
    source,
    counters,
    completed,
    afterTurn: () => undefined,
    ticksBetweenCallbacks,
  });
  const runAll = (): void => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
  };
  return { loop, counters, scheduler, runAll, turns, found };
}

/** So many things that are ready again as soon as they have run. */
function keepReady(loop: EventLoop, things: number): { ran: number } {
  const ready = { ran: 0 };
  const again = (): void => {
    ready.ran++;
    loop.enqueue(again);
  };
  for (let count = 0; count < things; count++) loop.enqueue(again);
  return ready;
}

describe('a turn of the event loop', () => {
  const nothing = { taken: [], polled: [] };

  it('is asked for again when the asking for it threw', () => {
    const { loop, scheduler, runAll } = makeLoop(nothing);
    const soon = scheduler.soon.bind(scheduler);
    let ran = 0;
    loop.activate();
    runAll();
    scheduler.soon = () => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    expect(() => loop.enqueue(() => ran++)).to.throw(RangeError);
    scheduler.soon = soon;
    loop.ensureTurn();
    runAll();
    expect(ran).to.equal(1);
  });

  it('runs a thousand ready things, and leaves the rest to the next', () => {
    const { loop, runAll } = makeLoop(nothing);
    const turns: number[] = [];
    for (let count = 0; count < 2500; count++) loop.enqueue(() => turns.push(loop.turn));
    loop.activate();
    runAll();
    const perTurn = [...new Set(turns)].map((turn) => turns.filter((one) => one === turn).length);
    expect(perTurn).to.deep.equal([1024, 1024, 452]);
  });

  it('gives the source as much as what is ready: a thousand that are always ready do not fill it', () => {
    const { loop, counters, turns } = makeLoop({ taken: [], polled: Array<number>(100).fill(128) });
    const ready = keepReady(loop, 2000);
    loop.activate();
    turns.shift()?.();
    expect([ready.ran, counters.packets]).to.deep.equal([512, 512]);
    turns.shift()?.();
    expect([ready.ran, counters.packets]).to.deep.equal([1024, 1024]);
  });

  it('makes 64 of the sends that wait, in order, and then looks again who has said something', () => {
    const sent: number[] = [];
    const found = { taken: [], polled: Array<number>(100).fill(0) };
    const { loop, turns } = makeLoop(found, { completed: ({ address }) => sent.push(address) });
    loop.activate();
    turns.shift()?.();
    for (let index = 0; index < 100; index++) loop.defer(new Operation(0, index));
    expect(loop.isIdle, 'with nothing but sends that wait').to.equal(false);
    const ready: number[] = [];
    loop.enqueue(() => {
      ready.push(sent.length);
      loop.enqueueForNextTurn(() => ready.push(sent.length));
    });
    turns.shift()?.();
    expect([sent.length, loop.isIdle]).to.deep.equal([64, false]);
    while (turns.length > 0) turns.shift()?.();
    expect(ready, 'what is ready comes first').to.deep.equal([0, 64]);
    expect(sent).to.deep.equal(Array.from({ length: 100 }, (_, index) => index));
    expect(loop.isIdle).to.equal(true);
  });

  it('makes them one step at a time with ticksBetweenCallbacks', () => {
    const sent: number[] = [];
    const { loop, turns } = makeLoop(nothing, {
      ticksBetweenCallbacks: true,
      completed: ({ address }) => sent.push(address),
    });
    loop.activate();
    for (let index = 0; index < 3; index++) loop.defer(new Operation(0, index));
    for (let left = 20; sent.length === 0 && left > 0; left--) turns.shift()?.();
    expect(sent).to.deep.equal([0]);
    while (turns.length > 0) turns.shift()?.();
    expect(sent).to.deep.equal([0, 1, 2]);
  });

  it('lets 64 connections send at once in one callback, and each as often as it likes', () => {
    const { loop, turns } = makeLoop(nothing);
    const connections = Array.from({ length: 66 }, () => ({}));
    const counts: number[] = [];
    const count = (): void => {
      let may = 0;
      for (const connection of connections)
        may += loop.maySendNow(connection, false) && loop.maySendNow(connection, false) ? 1 : 0;
      counts.push(may);
    };
    loop.activate();
    while (turns.length > 0) turns.shift()?.();
    loop.enqueue(count);
    loop.enqueue(count);
    count(); // outside of any callback of the loop
    while (turns.length > 0) turns.shift()?.();
    expect(counts).to.deep.equal([64, 64, 64]);
  });

  it('lets all answer whose peers have just said something', () => {
    const { loop, turns } = makeLoop(nothing);
    loop.activate();
    while (turns.length > 0) turns.shift()?.();
    for (let count = 0; count < 200; count++) {
      const connection = {};
      expect(loop.maySendNow(connection, true)).to.equal(true);
      expect(loop.maySendNow(connection, false), 'and a second time').to.equal(true);
    }
    const unasked = Array.from({ length: 65 }, () => loop.maySendNow({}, false));
    expect(unasked.filter(Boolean).length).to.equal(64);
  });

  it('lets what runs when a send has had its turn send at once on 64, too', () => {
    const counts: number[] = [];
    const count = (): number => Array.from({ length: 66 }, () => loop.maySendNow({}, false)).filter(Boolean).length;
    const { loop, runAll } = makeLoop(nothing, { completed: () => counts.push(count()) });
    loop.activate();
    runAll();
    for (let index = 0; index < 3; index++) loop.defer(new Operation(0, index));
    runAll();
    expect(counts).to.deep.equal([64, 64, 64]);
  });

  it('takes more answers than a turn has callbacks for like any other sends, until the next turn', () => {
    const { loop, runAll } = makeLoop(nothing);
    loop.activate();
    runAll();
    const answers = (): number => Array.from({ length: 2000 }, () => loop.maySendNow({}, true)).filter(Boolean).length;
    expect(answers()).to.equal(1024 + 64);
    expect(answers()).to.equal(0);
    runAll();
    expect(answers()).to.equal(1024 + 64);
  });

  it('does not know the last one any more in the next turn: it may have been closed', () => {
    const { loop, runAll } = makeLoop(nothing);
    loop.activate();
    runAll();
    const last = {};
    expect(loop.maySendNow(last, false)).to.equal(true);
    loop.enqueue(() => undefined);
    runAll();
    expect(loop.maySendNow(last, false), 'counted again').to.equal(true);
    expect(Array.from({ length: 64 }, () => loop.maySendNow({}, false)).filter(Boolean).length).to.equal(63);
  });

  it('counts those of many turns of Node apart, while nothing else is to be done', () => {
    const { loop, turns } = makeLoop(nothing);
    loop.activate();
    for (let count = 0; count < 200; count++) {
      expect(loop.maySendNow({}, false)).to.equal(true);
      while (turns.length > 0) turns.shift()?.();
    }
  });

  it('runs what was put off to the next turn there, behind what is ready, and goes on without an event', () => {
    const { loop, runAll } = makeLoop(nothing);
    const seen: string[] = [];
    const note = (what: string) => () => void seen.push(`${what} in ${loop.turn}`);
    loop.enqueue(() => {
      loop.enqueueForNextTurn(note('later'));
      loop.enqueue(note('sooner'));
      expect(loop.isIdle).to.equal(false);
    });
    loop.activate();
    runAll();
    expect(seen).to.deep.equal(['sooner in 1', 'later in 2']);
    expect(loop.isIdle).to.equal(true);
    loop.enqueueForNextTurn(note('outside of a turn'));
    runAll();
    const { turn } = loop;
    expect(seen[2]).to.match(/^outside of a turn in \d+$/);
    expect(turn).to.be.above(2);
  });

  it('runs what was put off also when a callback throws', () => {
    const { loop, runAll } = makeLoop(nothing);
    let ran = 0;
    loop.enqueue(() => {
      loop.enqueueForNextTurn(() => ran++);
      throw new Error('thrown in a callback');
    });
    loop.activate();
    expect(runAll).to.throw('thrown in a callback');
    runAll();
    expect(ran).to.equal(1);
  });

  it('ends the sooner when one thing has done the work of many', () => {
    const { loop, runAll } = makeLoop(nothing);
    const turns: number[] = [];
    for (let count = 0; count < 10; count++) {
      loop.enqueue(() => {
        turns.push(loop.turn);
        loop.charge(511);
      });
    }
    loop.activate();
    runAll();
    expect(turns.map((turn) => turn - (turns[0] ?? 0))).to.deep.equal([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });

  it('runs what was put behind the events only after a look at the source, however much is ready before it', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [], polled: [1, 1, 1, 1, 1, 1] });
    for (let count = 0; count < 1500; count++) loop.enqueue(() => undefined);
    let packetsSeen = -1;
    loop.enqueueBehindEvents(() => (packetsSeen = counters.packets));
    loop.activate();
    runAll();
    expect(packetsSeen).to.be.at.least(2);
  });
});

describe('a turn of the event loop in steps', () => {
  it('does one thing in each: what was ready, then what the source had, and both again', () => {
    const seen: string[] = [];
    const dispatch = (index: number): void => {
      seen.push(`packet ${index}`);
      if (index === 0) loop.enqueue(() => seen.push('made ready by a packet'));
    };
    const { loop, turns } = makeLoop({ taken: [], polled: [2, 1] }, { ticksBetweenCallbacks: true, dispatch });
    loop.enqueue(() => {
      loop.enqueue(() => seen.push('made ready'));
      loop.enqueueForNextTurn(() => seen.push('put off'));
      seen.push('first');
    });
    loop.enqueue(() => seen.push('second'));
    loop.activate();
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      const before = seen.length;
      turn();
      expect(seen.length - before).to.be.at.most(1);
    }
    const firstTurn = ['first', 'second', 'packet 0', 'packet 1'];
    expect(seen).to.deep.equal([
      ...firstTurn,
      'made ready',
      'made ready by a packet',
      'put off',
      'packet 0',
      'made ready by a packet',
    ]);
  });

  it('gives the source as much as what is ready', () => {
    let packets = 0;
    const polled = Array<number>(100).fill(128);
    const { loop, turns } = makeLoop({ taken: [], polled }, { ticksBetweenCallbacks: true, dispatch: () => packets++ });
    const ready = keepReady(loop, 2000);
    loop.activate();
    for (let steps = 0; steps < 1024; steps++) turns.shift()?.();
    expect([ready.ran, packets]).to.deep.equal([512, 512]);
  });

  it('takes what the waiter has found before anything else is written there, and does it behind what is ready', () => {
    const seen: string[] = [];
    const dispatch = (index: number): void => void seen.push(`packet ${index}`);
    const { loop, found, runAll } = makeLoop({ taken: [], polled: [] }, { ticksBetweenCallbacks: true, dispatch });
    loop.activate();
    runAll();
    loop.enqueue(() => seen.push('ready'));
    found.taken.push(2);
    loop.wake();
    expect([seen, found.taken]).to.deep.equal([['ready'], []]);
    runAll();
    expect(seen).to.deep.equal(['ready', 'packet 0', 'packet 1']);
  });

  it('asks for 64 at a time, and after each for as many as it needs', () => {
    const { loop, turns } = makeLoop({ taken: [], polled: [] }, { ticksBetweenCallbacks: true });
    let ran = 0;
    for (let count = 0; count < 100; count++) loop.enqueue(() => ran++);
    loop.activate();
    expect(turns).to.have.length(64);
    for (let left = 70; left > 0; left--) turns.shift()?.();
    expect([ran, turns.length]).to.deep.equal([70, 30]);
  });
});

describe('the event loop counts', () => {
  it('packets, batches and the largest, from the waiter and from polls', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [3, 1], polled: [128, 128, 9] });
    loop.activate();
    runAll();
    expect(counters).to.include({ packets: 3 + 128 + 128 + 9 + 1, batches: 5, largestBatch: 128 });
  });

  it('the most that the waiter has found in one wait, whatever the loop finds by itself', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [2, 5, 4], polled: [100] });
    loop.activate();
    runAll();
    loop.wake();
    runAll();
    expect(counters.batchHighWater).to.equal(5);
  });

  it('wakeUps', () => {
    const { loop, counters, runAll } = makeLoop({ taken: [], polled: [] });
    loop.activate();
    runAll();
    expect(counters.wakeUps).to.equal(0);
    loop.wake();
    loop.wake();
    expect(counters.wakeUps).to.equal(2);
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
    expect(counters.syscalls.GetQueuedCompletionStatusEx).to.equal(7);
  });
});
