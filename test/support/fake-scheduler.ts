/** Time that moves when the test says so. */
import type { Scheduler, TimerHandle } from '../../src/platform/platform.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class FakeScheduler implements Scheduler {
  #now = 1000;
  #id = 0;
  readonly #timers = new Map<number, Timer>();
  readonly #soon: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  setTimer(ms: number, callback: () => void): TimerHandle {
    this.#id++;
    this.#timers.set(this.#id, { at: this.#now + ms, callback });
    return { simulatedTimer: this.#id };
  }

  clearTimer(timer: TimerHandle): void {
    if ('simulatedTimer' in timer) this.#timers.delete(timer.simulatedTimer);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms` milliseconds in which the thread is busy: what is due runs late, with the next advance(). */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** Moves on by `ms` milliseconds, running what is due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].callback();
    }
    this.#now = end;
  }
}
