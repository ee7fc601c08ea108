/** Node's own time, for the calls of this face that last longer than one call of the sockets below. */
import type { Scheduler } from '../../platform/platform.ts';
import { clearTimeout, now, setImmediate, setTimeout } from '../../platform/node-timers.ts';

export const nodeClock: Scheduler = {
  now,
  soon: (callback) => {
    setImmediate(callback);
  },
  setTimer: (ms, callback, keepsAlive = false) => {
    const timer = setTimeout(callback, ms);
    return keepsAlive ? timer : timer.unref();
  },
  clearTimer: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};
