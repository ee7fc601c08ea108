/** Nothing that doctor waits for may keep it for ever. */
import { clearTimeout, setTimeout } from '../platform/node-timers.ts';

export class DeadlineError extends Error {}

/** The promise's own outcome, or a DeadlineError after so many milliseconds. */
export function withDeadline<Value>(promise: Promise<Value>, ms: number, what: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new DeadlineError(`${what} did not end within ${ms / 1000} s`));
    }, ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** A thread that is stuck inside a system call meets no deadline: this ends the process from another one. */
export const WATCHDOG_SOURCE = `
  const { workerData } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  if (Atomics.wait(workerData.done, 0, 0, workerData.ms) === 'timed-out') {
    try { writeSync(2, workerData.message); } finally { process.kill(process.pid, 'SIGKILL'); }
  }`;
