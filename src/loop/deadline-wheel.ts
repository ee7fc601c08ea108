/**
 * Deadlines of any length, each added, removed and met in O(1): a hierarchical timing wheel (Varghese and Lauck, "Hashed
 * and Hierarchical Timing Wheels", 1987), as kernels use it.
 *
 *   level 0   64 slots of one tick         the next 256 ms
 *   level 1   64 slots of 64 ticks         the next 16 s
 *   level 2   64 slots of 4096 ticks       the next 17 min      … five levels: 49 days
 *
 * A deadline waits in the coarsest slot that still tells it from now. When time reaches that slot, what is in it moves a
 * level down; in level 0 it is met. One timer of the system serves all of them, set for the first slot with something in
 * it.
 *
 * A deadline is never met early, and at most a tick late by the wheel itself (the system's timers come on top). When the
 * machine slept, or this thread was busy, the clock has made a leap: everything that is due is met, in order of ticks, in a
 * number of steps that does not depend on how long it was; as many at a time as the owner likes.
 */
import type { Scheduler, TimerHandle } from '../platform/platform.ts';
import type { EventLoop } from './event-loop.ts';

/** Milliseconds of a tick: finer than Windows' own timers (15.6 ms, or 1 ms where somebody asked for it). */
export const TICK_MS = 4;
const SLOTS = 64;
const LEVELS = 5;
/** Ticks of one slot, by level, and of all that the wheel can tell apart. */
const SPANS = Array.from({ length: LEVELS + 1 }, (_, level) => SLOTS ** level);
const NOT_WAITING = -1;
/** Deadlines that are met before others have their turn: a quarter of what a turn of the loop handles. */
const DEADLINES_PER_LOOK = 256;

/** What can have a deadline: linked into the wheel itself, so that setting one allocates nothing. */
export abstract class DeadlineEntry {
  /** Tick at which it is due; NOT_WAITING when it is in no wheel. Only the wheel writes these four. */
  dueTick = NOT_WAITING;
  wheelLevel = 0;
  before: DeadlineEntry | null = null;
  after: DeadlineEntry | null = null;

  get hasDeadline(): boolean {
    return this.dueTick !== NOT_WAITING;
  }

  /** Whole milliseconds until it is due, 0 when it is; null when it has no deadline. @param now scheduler milliseconds */
  timeLeft(now: number): number | null {
    return this.hasDeadline ? Math.max(0, Math.round(this.dueTick * TICK_MS - now)) : null;
  }
}

/** The head of a slot's ring. */
class Slot extends DeadlineEntry {
  override before: DeadlineEntry = this;
  override after: DeadlineEntry = this;
}

/** Where in the array of slots the one of a tick is. */
function placeOf(level: number, tick: number): number {
  return level * SLOTS + (Math.floor(tick / (SPANS[level] ?? 1)) % SLOTS);
}

export class DeadlineWheel<Entry extends DeadlineEntry> {
  readonly #scheduler: Scheduler;
  readonly #due: () => void;
  /** Level by level. Each is made when it is first used: of the 320 most never are. */
  readonly #slots = new Array<Slot | null>(LEVELS * SLOTS).fill(null);
  readonly #counts = new Array<number>(LEVELS).fill(0);
  #size = 0;
  /** The last tick that was met. */
  #tick: number;
  #timer: TimerHandle | null = null;
  #timerTick = 0;

  /** @param due called when some deadline may be due; the owner then calls expire(). */
  constructor(scheduler: Scheduler, due: () => void) {
    this.#scheduler = scheduler;
    this.#due = due;
    this.#tick = this.#now();
  }

  get size(): number {
    return this.#size;
  }

  /** Sets a deadline. The entry must have none. @param ms 0 … 2^31 - 1, from now. */
  add(entry: Entry, ms: number): void {
    if (entry.hasDeadline) throw new Error('A deadline was set twice. This is a bug in iocp-pal; please report it');
    if (this.size === 0) this.#tick = this.#now();
    entry.dueTick = Math.ceil((this.#scheduler.now() + ms) / TICK_MS);
    this.#place(entry);
    this.#armFor(this.#wakeTickOf(entry));
  }

  /** Takes a deadline back; nothing happens when there is none. */
  remove(entry: Entry): void {
    if (!entry.hasDeadline) return;
    this.#unlink(entry);
    entry.dueTick = NOT_WAITING;
  }

  /**
   * Takes out what is due, and hands it over, in order of ticks. Returns false when there is more: the owner then calls it
   * again, soon.
   * @param limit how many it hands over at most
   */
  expire(met: (entry: Entry) => void, limit: number): boolean {
    const now = this.#now();
    let left = limit - this.#meet(met, limit);
    while (this.#tick < now) {
      if (left === 0) return false;
      const level = this.#counts.findIndex((count) => count > 0);
      if (level < 0) {
        this.#tick = now;
        break;
      }
      const span = SPANS[level] ?? 1;
      // Everything below this level is empty: on to its next slot in one step.
      const next = (Math.floor(this.#tick / span) + 1) * span;
      if (next > now) {
        this.#tick = now;
        break;
      }
      this.#tick = next;
      this.#cascade();
      left -= this.#meet(met, left);
    }
    // Of the last tick some may be left: the slot is looked at again.
    const slot = this.#slot(0, this.#tick);
    if (slot.after !== slot && slot.after.dueTick <= this.#tick) return false;
    this.#arm();
    return true;
  }

  dispose(): void {
    if (this.#timer !== null) this.#scheduler.clearTimer(this.#timer);
    this.#timer = null;
  }

  #now(): number {
    return Math.floor(this.#scheduler.now() / TICK_MS);
  }

  #place(entry: DeadlineEntry): void {
    // What is due already is met at the next tick: the current one has been met.
    const ahead = Math.max(1, entry.dueTick - this.#tick);
    entry.dueTick = this.#tick + ahead;
    let level = 0;
    while (level < LEVELS - 1 && ahead >= (SPANS[level + 1] ?? Infinity)) level++;
    this.#link(entry, level, entry.dueTick);
  }

  #link(entry: DeadlineEntry, level: number, tick: number): void {
    const slot = this.#slot(level, tick);
    entry.wheelLevel = level;
    entry.before = slot.before;
    entry.after = slot;
    slot.before.after = entry;
    slot.before = entry;
    this.#counts[level] = (this.#counts[level] ?? 0) + 1;
    this.#size++;
  }

  #unlink(entry: DeadlineEntry): void {
    const { before, after, wheelLevel } = entry;
    if (before === null || after === null) throw new Error('A deadline has lost its slot. This is a bug in iocp-pal');
    before.after = after;
    after.before = before;
    entry.before = null;
    entry.after = null;
    this.#counts[wheelLevel] = (this.#counts[wheelLevel] ?? 0) - 1;
    this.#size--;
  }

  /** Moves what is in the slots that begin with this tick down, from the coarsest level on. */
  #cascade(): void {
    for (let level = LEVELS - 1; level > 0; level--) {
      if (this.#tick % (SPANS[level] ?? 1) !== 0) continue;
      const slot = this.#slot(level, this.#tick);
      while (slot.after !== slot) {
        const entry = slot.after;
        this.#unlink(entry);
        if (entry.dueTick > this.#tick) this.#place(entry);
        else this.#link(entry, 0, this.#tick); // about to be met
      }
    }
  }

  /** Hands over up to `limit` deadlines of the current tick. Returns how many. */
  #meet(met: (entry: Entry) => void, limit: number): number {
    const slot = this.#slot(0, this.#tick);
    let count = 0;
    // (Not those that wait there for the next time round.)
    while (count < limit && slot.after !== slot && slot.after.dueTick <= this.#tick) {
      const entry = slot.after;
      this.#unlink(entry);
      entry.dueTick = NOT_WAITING;
      count++;
      met(entry as Entry);
    }
    return count;
  }

  #slot(level: number, tick: number): Slot {
    return (this.#slots[placeOf(level, tick)] ??= new Slot());
  }

  /** The tick at which an entry must be looked at: its own in level 0, else when its slot moves down. */
  #wakeTickOf({ wheelLevel, dueTick }: DeadlineEntry): number {
    const span = SPANS[wheelLevel] ?? 1;
    return Math.floor(dueTick / span) * span;
  }

  /** Sets the timer for the first slot that has something in it. */
  #arm(): void {
    let first = Infinity;
    for (let level = 0; level < LEVELS; level++) {
      if (this.#counts[level] === 0) continue;
      const span = SPANS[level] ?? 1;
      const current = Math.floor(this.#tick / span);
      for (let ahead = 1; ahead <= SLOTS; ahead++) {
        const tick = (current + ahead) * span;
        const slot = this.#slots[placeOf(level, tick)] ?? null;
        if (slot === null || slot.after === slot) continue;
        first = Math.min(first, tick);
        break;
      }
    }
    if (first < Infinity) this.#armFor(first);
  }

  #armFor(tick: number): void {
    if (this.#timer !== null) {
      if (this.#timerTick <= tick) return;
      this.#scheduler.clearTimer(this.#timer);
    }
    this.#timerTick = tick;
    const wait = Math.max(1, Math.ceil(tick * TICK_MS - this.#scheduler.now()));
    this.#timer = this.#scheduler.setTimer(wait, this.#fire);
  }

  readonly #fire = (): void => {
    this.#timer = null;
    if (this.size > 0) this.#due();
  };
}

/**
 * A wheel whose deadlines are met in turns of the loop: after the port was asked, so that what came in time is not too
 * late, and not so many at once that others wait for their turn.
 */
export function wheelOf<Entry extends DeadlineEntry>(
  loop: Pick<EventLoop, 'charge' | 'enqueue' | 'enqueueBehindEvents'>,
  scheduler: Scheduler,
  met: (entry: Entry) => void,
): DeadlineWheel<Entry> {
  const meetOne = (entry: Entry): void => {
    loop.charge(1);
    met(entry);
  };
  const meet = (): void => {
    if (!wheel.expire(meetOne, DEADLINES_PER_LOOK)) loop.enqueue(meet);
  };
  const wheel = new DeadlineWheel<Entry>(scheduler, () => loop.enqueueBehindEvents(meet));
  return wheel;
}
