/**
 * Node's timers and clock, as they were when this module was loaded.
 *
 * Fake timers (those of vitest, jest and sinon) put functions of their own in the place of the global ones, and some of
 * them in that of the module's, whose time stands still until the test moves it. A loop that looked them up when it needs
 * one would never turn again, and every call would hang: the kernel's time is the real one. So they are looked up once,
 * and everything in src/ takes them from here.
 */
import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

// By value: an imported name would follow what is put into the module later.
export const setImmediate: typeof timers.setImmediate = timers.setImmediate;
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;
export const setTimeout: typeof timers.setTimeout = timers.setTimeout;
export const clearTimeout: typeof timers.clearTimeout = timers.clearTimeout;

/** Monotonic milliseconds since the process began. */
export const now: () => number = performance.now.bind(performance);
/** Runs something before the next turn, and before the promises that are settled now. */
export const nextTick: typeof process.nextTick = process.nextTick.bind(process);
/** Runs something when the callbacks of this turn are through, after nextTick's. */
export const queueMicrotask: (callback: () => void) => void = globalThis.queueMicrotask;
