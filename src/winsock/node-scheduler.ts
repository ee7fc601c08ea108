/** Node's own time and turns. */
import { performance } from 'node:perf_hooks';
import type { Scheduler } from './kernel.ts';

export const nodeScheduler: Scheduler = {
  now: () => performance.now(),
  soon: (callback) => {
    setImmediate(callback);
  },
  setTimer: (ms, callback) => setTimeout(callback, ms).unref(),
  clearTimer: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};
