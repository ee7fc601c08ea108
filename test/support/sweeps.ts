/** The sweep for idle connections, which is due every 15 s: here it comes when the test says so, and at no other time. */
import { setImmediate } from 'node:timers/promises';
import type { PalOptions } from '../../src/index.ts';
import type { TimerHandle } from '../../src/platform/platform.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { until } from './until.ts';

/** Milliseconds that the sweep asks for; no other timer of the library is set for exactly as long. */
const SWEEP_MS = 15_000;

export class Sweeps {
  #next: (() => void) | null = null;
  readonly #handle: TimerHandle = { simulatedTimer: -1 };

  /** Options of a PAL on the real kernel whose sweeps are this object's. A new PAL takes it over from the one before. */
  readonly options = (): PalOptions => {
    const platform = windowsPlatform();
    const { scheduler } = platform;
    this.#next = null;
    return {
      platform: {
        ...platform,
        scheduler: {
          ...scheduler,
          setTimer: (ms, callback) => {
            if (ms !== SWEEP_MS) return scheduler.setTimer(ms, callback);
            this.#next = callback;
            return this.#handle;
          },
          clearTimer: (timer) => {
            if (timer === this.#handle) this.#next = null;
            else scheduler.clearTimer(timer);
          },
        },
      },
    };
  };

  /** True while the library waits for a sweep. */
  get isPlanned(): boolean {
    return this.#next !== null;
  }

  /** Sweeps in a turn of its own, as a timer does; nothing happens where no sweep is planned. */
  async sweep(): Promise<void> {
    await setImmediate();
    this.#sweepNow();
  }

  /** Sweeps until something holds. */
  async until(condition: () => boolean, what: () => string): Promise<void> {
    await until(() => {
      if (condition()) return true;
      this.#sweepNow();
      return false;
    }, what);
  }

  #sweepNow(): void {
    const next = this.#next;
    this.#next = null;
    next?.();
  }
}
