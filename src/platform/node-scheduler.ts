/** Node's own time and turns. */
import { inOwnContext } from './async-context.ts';
import type { Scheduler } from './platform.ts';
import { clearTimeout, now, setImmediate, setTimeout } from './node-timers.ts';

export const nodeScheduler: Scheduler = {
  now,
  soon: (callback) => {
    inOwnContext(setImmediate, callback);
  },
  setTimer: (ms, callback, keepsAlive = false) => {
    const timer = inOwnContext(setTimeout, callback, ms);
    return keepsAlive ? timer : timer.unref();
  },
  clearTimer: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};
