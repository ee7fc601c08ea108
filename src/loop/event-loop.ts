/**
 * The event loop: collects events from its source and runs what waits for them.
 *
 * A turn runs in its own macrotask: first what the waiter found; then, in rounds, what finished without an event (in
 * order, so that a socket whose calls succeed at once cannot starve the others) and a batch from the source, until both
 * have nothing left or a limit below is met. A round takes no more of the one than a batch of the other holds: a thousand
 * connections whose peers answer so fast that their calls succeed at once would otherwise fill every turn, while the
 * packets of those who came later wait (seen on a slow machine: of 5000 that began at once, the last thousand were heard after 8 s,
 * when others had been answered five times). As long as turns find something, the next one is scheduled with
 * setImmediate, so Node's timers and other sockets get theirs in between. Once turns find nothing (SPIN_TURNS), the source
 * is handed to its waiter, which wakes the loop again.
 *
 * With `ticksBetweenCallbacks` a turn is cut into steps, each of which does one thing in a macrotask of its own, in the same order:
 * Node runs process.nextTick's queue and promise jobs between two of those, and offers no way to run them in the middle of one.
 * Rejected for that: process._tickCallback(), which does it, is Node's own business and deprecated (DEP0134).
 *
 * Rejected: a waiter thread that posts every batch to this thread (measured: 7600 echoes/s where the permit gave 11 700;
 * each batch costs a wake-up); one event per wait; a posted message per event.
 */
import type { Counters } from './counters.ts';
import type { EventSource } from './event-source.ts';
import { Fifo } from '../util/fifo.ts';
import type { Scheduler } from '../platform/platform.ts';
import { OperationState, type Operation } from '../memory/operation.ts';

/**
 * A turn goes on in rounds until it has handled so many things: in each round, what is ready runs, and then one batch from
 * the source, as long as it has any. Bounds how long timers wait: eight full batches, about a millisecond each. What is
 * ready beyond it (100 000 calls that were all cancelled at once) waits for the next turn.
 */
const MAX_ITEMS_PER_TURN = 1024;
/**
 * Rounds per turn at most, for a loop that has only a few things in each: a turn costs Node a look at its own port, which
 * one connection that sends as fast as it can would otherwise pay for every few sends.
 */
const MAX_ROUNDS_PER_TURN = 64;
/** A source that had less than a batch is asked again after so many rounds of the same turn. */
const ROUNDS_PER_POLL = 16;
/**
 * Turns that find nothing, before the source goes to a waiter on another thread: handing it over and being woken costs
 * two thread switches, and a peer that was just answered often speaks again at once.
 */
const SPIN_TURNS = 1;
/**
 * Steps that are asked for at a time, with `ticksBetweenCallbacks`. Node runs all that it was asked for in one go, so it looks at its
 * own port and its timers once for so many callbacks, and not for each.
 */
const STEPS_AT_A_TIME = 64;

/**
 * Connections that one callback sends on at once, unasked; the sends of further ones stand in a line. A turn makes as many of these: that is
 * two or three milliseconds under Wine, and less on Windows, after which it looks again who has said something.
 */
const SENDS_AT_ONCE = 64;
/**
 * Answers of one turn that do not count among them: about as many as it has callbacks for. Who has more is not answering, but writes to
 * thousands of connections whose peers have each said something since they were last written to.
 */
const ANSWERS_AT_ONCE = MAX_ITEMS_PER_TURN;

/** Something that became ready without an event of its own, and runs in the next turn. */
export type ReadyTask = () => void;

export interface EventLoopParts {
  scheduler: Scheduler;
  source: EventSource;
  counters: Counters;
  /** Called with each operation that finished without an event. */
  completed: (operation: Operation) => void;
  /** Called after every turn, in a state where nothing is half done. */
  afterTurn: () => void;
  /** Node's ticks and promise jobs run between any two things that this loop does. Default false. */
  ticksBetweenCallbacks?: boolean;
}

export class EventLoop {
  readonly #parts: EventLoopParts;
  readonly #source: EventSource;
  readonly #ready = new Fifo<Operation | ReadyTask>();
  /** What must not run in the turn that runs. */
  readonly #later = new Fifo<ReadyTask>();
  /** Sends that wait for their turn: they cost the system far more than anything else that is ready costs this thread. */
  readonly #deferred = new Fifo<Operation>();
  /** The batch that is being dispatched: a throwing callback leaves the rest for the next turn. */
  #next = 0;
  #filled = 0;
  /** Macrotasks that are on their way. */
  #scheduled = 0;
  readonly #inSteps: boolean;
  /** Of a turn in steps: how much of what was ready when it began is still to run. */
  #leftOfTurn = 0;
  #idleTurns = 0;
  #inTurn = false;
  /** What the turn that runs has handled. */
  #handled = 0;
  /** Connections that what runs has sent on at once, and the last of them. */
  #sends = 0;
  #sender: object | null = null;
  /** Answers since the turn began that ran last. */
  #answers = 0;
  #turns = 0;
  #active = false;
  #ended = false;
  #holds = 0;
  #holding = true;

  constructor(parts: EventLoopParts) {
    this.#parts = parts;
    this.#source = parts.source;
    this.#inSteps = parts.ticksBetweenCallbacks ?? false;
    this.#syncHold();
  }

  /** Number of the turn that runs, or ran last. */
  get turn(): number {
    return this.#turns;
  }

  get isIdle(): boolean {
    const areReady = this.#ready.length + this.#later.length + this.#deferred.length > 0;
    return !areReady && this.#next === this.#filled;
  }

  /**
   * Something waits to run. For a loop that does not run: it asks the source as well, and keeps what that has for the first
   * turn.
   */
  isDue(): boolean {
    if (this.isIdle) this.#beginBatch(this.#source.poll());
    return !this.isIdle;
  }

  /** Something keeps the process alive. */
  get isHeld(): boolean {
    return this.#holds > 0;
  }

  activate(): void {
    this.#active = true;
    this.#syncHold();
    this.#schedule();
  }

  /** Runs `task` in a coming turn, after everything that is ready already. */
  enqueue(task: ReadyTask): void {
    if (this.#ended) this.#parts.scheduler.soon(task);
    else this.#push(task);
  }

  /**
   * The same, and after the source was asked for what has come until now: for deadlines, which a busy thread notices late.
   * (A round runs what is ready, and then asks the source. What is made ready in one round runs in the next.)
   */
  enqueueBehindEvents(task: ReadyTask): void {
    this.enqueue(() => this.enqueue(task));
  }

  /** Runs `task` in the next turn at the earliest, although this one may have rounds left: for what comes once per turn. */
  enqueueForNextTurn(task: ReadyTask): void {
    if (!this.#inTurn) return this.enqueue(task);
    this.#later.push(task);
    this.#schedule();
  }

  /**
   * An operation that finished without an event: its outcome is delivered in a coming turn, in order.
   * @param error Winsock error code, 0 for success.
   */
  completeSynchronously(operation: Operation, error: number, bytes: number): void {
    complete(operation, error, bytes);
    this.#parts.counters.inlineCompletions++;
    this.#push(operation);
  }

  /**
   * Whether what runs may send on this connection at once. If not, the send is to be deferred.
   * @param answers whether the peer has said something since the last time
   */
  maySendNow(connection: object, answers: boolean): boolean {
    if (connection === this.#sender) return true; // many writes to one fill its buffer, and end there
    if (answers && this.#answers < ANSWERS_AT_ONCE) {
      this.#sender = connection;
      this.#answers++;
      return true;
    }
    if (this.#sends >= SENDS_AT_ONCE && this.#active) return false;
    this.#sender = connection;
    this.#sends++;
    // The next turn begins to count anew; without one, those of many turns of Node's would be counted together.
    if (this.#sends === SENDS_AT_ONCE / 2) this.#schedule();
    return true;
  }

  /** An operation whose send is made when its turn comes; it is then completed, with nothing moved. */
  defer(operation: Operation): void {
    complete(operation, 0, 0);
    if (this.#inSteps) return this.#push(operation);
    this.#deferred.push(operation);
    this.#schedule();
  }

  /** Asks for the turn that something ready may still wait for: what made it ready has thrown. */
  ensureTurn(): void {
    if (!this.isIdle) this.#schedule();
  }

  /** What runs has done the work of so many things: its turn ends the sooner. */
  charge(things: number): void {
    this.#handled += things;
  }

  /** One more thing that must keep the process alive. */
  hold(): void {
    if (++this.#holds === 1) this.#holdChanged();
  }

  /** One thing less. */
  release(): void {
    if (--this.#holds === 0) this.#holdChanged();
  }

  /** (A turn looks at its end.) */
  #holdChanged(): void {
    if (!this.#inTurn) this.#syncHold();
  }

  /** The source's waiter has found something. */
  wake(): void {
    this.#parts.counters.wakeUps++;
    this.#run();
  }

  /** Brings the calls that the waiter has made into the counters. */
  countWaits(): void {
    this.#source.countWaits();
  }

  /**
   * Ends the loop and closes its source; the caller has seen every operation come back. What is still enqueued meanwhile
   * (a call that is answered because its socket is closed) runs in a macrotask of its own.
   */
  async close(): Promise<void> {
    this.#active = false;
    this.#ended = true;
    await this.#source.close();
  }

  readonly #turn = (): void => {
    this.#scheduled--;
    this.#run();
  };

  #run(): void {
    if (!this.#active || this.#inTurn) return;
    let busy = true;
    let threw = true;
    this.#inTurn = true;
    try {
      busy = this.#inSteps ? this.#step() : this.#work();
      threw = false;
    } finally {
      // Also after a callback threw: what is left must not wait for the next event, and neither must afterTurn.
      this.#inTurn = false;
      this.#syncHold();
      this.#idleTurns = busy ? 0 : this.#idleTurns + 1;
      if (threw || !this.isIdle || this.#wantsAnotherTurn()) this.#schedule();
      else if (!this.#source.waiting) this.#source.wait();
    }
    this.#parts.afterTurn();
  }

  /** A wait on this thread is as good as a turn; a wait on another one is for when nothing comes any more. */
  #wantsAnotherTurn(): boolean {
    return !this.#source.waitsHere && !this.#source.waiting && this.#idleTurns < SPIN_TURNS;
  }

  #beginTurn(): void {
    this.#turns++;
    this.#sends = 0;
    this.#answers = 0;
    this.#sender = null; // who may have been closed long ago
    for (let task = this.#later.shift(); task !== undefined; task = this.#later.shift()) this.#push(task);
  }

  /** Returns true when it found anything to do. */
  #work(): boolean {
    this.#beginTurn();
    let found = this.#next < this.#filled;
    this.#dispatchBatch();
    if (this.#takeBatch()) found = true;
    this.#dispatchBatch();
    const source = this.#source;
    let exhausted = source.waiting;
    this.#handled = 0;
    for (let round = 0; round < MAX_ROUNDS_PER_TURN && this.#handled < MAX_ITEMS_PER_TURN; round++) {
      this.#runReady();
      if (!exhausted || (round % ROUNDS_PER_POLL === 0 && !source.waiting)) {
        const count = source.poll();
        exhausted = count < source.batchSize;
        this.#beginBatch(count);
        this.#dispatchBatch();
        this.#handled += count;
      }
      if (exhausted && this.#ready.length === 0) break;
    }
    this.#runDeferred();
    return found || this.#handled > 0;
  }

  /**
   * One thing: of what was ready when the turn began, or then of what the source had, which is a round of #work(). Returns true when it
   * found anything to do.
   */
  #step(): boolean {
    if (this.#next === this.#filled) {
      // Always: what the waiter has found lies where the next poll() or wait() writes.
      const taken = this.#takeBatch();
      if (taken || this.#leftOfTurn === 0) {
        this.#beginTurn();
        this.#leftOfTurn = this.#readyInRound();
        if (!taken && !this.#source.waiting) this.#beginBatch(this.#source.poll());
      }
    }
    if (this.#leftOfTurn > 0) {
      this.#leftOfTurn--;
      this.#runNext();
      return true;
    }
    if (this.#next === this.#filled) return false;
    this.#dispatchNext();
    return true;
  }

  #push(item: Operation | ReadyTask): void {
    const { counters } = this.#parts;
    this.#ready.push(item);
    if (this.#ready.length > counters.readyHighWater) counters.readyHighWater = this.#ready.length;
    this.#schedule();
  }

  /** What is ready, up to the source's share: what a batch holds. */
  #readyInRound(): number {
    return Math.min(this.#ready.length, this.#source.batchSize);
  }

  /** Runs what is ready now; what that makes ready waits for the next round, behind everybody else. */
  #runReady(): void {
    for (let left = this.#readyInRound(); left > 0 && this.#handled < MAX_ITEMS_PER_TURN; left--) {
      this.#handled++;
      this.#runNext();
    }
  }

  /** Sends, as many as a turn may make. What has become ready meanwhile comes first in the next one. */
  #runDeferred(): void {
    for (let left = Math.min(this.#deferred.length, SENDS_AT_ONCE); left > 0; left--) {
      this.#handled++;
      this.#sends = 0;
      const operation = this.#deferred.shift();
      if (operation !== undefined) this.#parts.completed(operation);
    }
  }

  #runNext(): void {
    this.#sends = 0;
    const item = this.#ready.shift();
    if (typeof item === 'function') item();
    else if (item !== undefined) this.#parts.completed(item);
  }

  /** Takes what the waiter has found. Returns whether that is anything. */
  #takeBatch(): boolean {
    const taken = this.#source.take();
    const { counters } = this.#parts;
    if (taken > counters.batchHighWater) counters.batchHighWater = taken;
    this.#beginBatch(taken);
    return taken > 0;
  }

  #beginBatch(count: number): void {
    if (count === 0) return;
    const { counters } = this.#parts;
    this.#next = 0;
    this.#filled = count;
    counters.packets += count;
    counters.batches++;
    if (count > counters.largestBatch) counters.largestBatch = count;
  }

  #dispatchBatch(): void {
    while (this.#next < this.#filled) this.#dispatchNext();
  }

  #dispatchNext(): void {
    this.#sends = 0;
    const index = this.#next;
    this.#next++;
    this.#source.dispatch(index);
  }

  #schedule(): void {
    if (!this.#active) return;
    for (const wanted = this.#wanted(); this.#scheduled < wanted;) {
      this.#parts.scheduler.soon(this.#turn);
      // Not before: when that throws (the stack is at its end), whatever comes next has to ask for the turn.
      this.#scheduled++;
    }
  }

  /** Macrotasks that the loop needs for what it knows of. */
  #wanted(): number {
    if (!this.#inSteps) return 1;
    const due = this.#ready.length + this.#later.length + this.#filled - this.#next;
    return due < 1 ? 1 : Math.min(due, STEPS_AT_A_TIME);
  }

  /** Turns the count of holds into the waiter's ref; in a turn only its end counts. */
  #syncHold(): void {
    const wanted = this.#holds > 0 && this.#active;
    if (wanted === this.#holding) return;
    this.#holding = wanted;
    if (wanted) this.#source.ref();
    else this.#source.unref();
  }
}

function complete(operation: Operation, error: number, bytes: number): void {
  operation.state = OperationState.Completed;
  operation.error = error;
  operation.bytes = bytes;
}
