/** Node's own time and turns. */
import type { Scheduler } from './kernel.ts';
import { clearTimeout, now, setImmediate, setTimeout } from './node-timers.ts';

export const nodeScheduler: Scheduler = {
  now,
  soon: (callback) => {
    setImmediate(callback);
  },
  setTimer: (ms, callback) => setTimeout(callback, ms).unref(),
  clearTimer: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};
