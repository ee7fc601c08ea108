/** Virtual time: it stands still while anything else can happen, and then jumps to the next timer. */
import type { TimerHandle } from '../../platform/platform.ts';

interface Timer {
  readonly simulatedTimer: number;
  readonly at: number;
  readonly callback: () => void;
  readonly runsCode: boolean;
}

/** Where virtual time starts, ms: not at 0, so that code which takes 0 for "no time" shows it. */
const START_MS = 1000;

export class Clock {
  #now = START_MS;
  #count = 0;
  readonly #timers: Timer[] = [];
  /** Called when a timer was set. */
  onSet: (() => void) | null = null;

  /** Real time, where the network is driven by it: virtual time then never lags behind. */
  source: (() => number) | null = null;

  get now(): number {
    if (this.source !== null) this.advance(this.source());
    return this.#now;
  }

  /** Runs the callback `ms` after now. `runsCode`: it is the simulated process's, not the network's. */
  set(ms: number, callback: () => void, runsCode: boolean): TimerHandle {
    this.#count++;
    const timer: Timer = { simulatedTimer: this.#count, at: this.now + ms, callback, runsCode };
    // Behind those that are due earlier or at the same time: few timers, so a list is enough.
    let place = this.#timers.length;
    while (place > 0 && (this.#timers[place - 1]?.at ?? 0) > timer.at) place--;
    this.#timers.splice(place, 0, timer);
    if (this.onSet !== null) this.onSet();
    return timer;
  }

  clear(handle: TimerHandle): void {
    const place = this.#timers.indexOf(handle as Timer);
    if (place >= 0) this.#timers.splice(place, 1);
  }

  /** When the next timer is due, or undefined when there is none. */
  get next(): number | undefined {
    return this.#timers[0]?.at;
  }

  /** Lets time pass until `to`. */
  advance(to: number): void {
    if (to > this.#now) this.#now = to;
  }

  /** Goes to the next timer and takes it. */
  takeNext(): Timer | undefined {
    const timer = this.#timers.shift();
    if (timer !== undefined) this.advance(timer.at);
    return timer;
  }
}
