/** Waiting for a condition, turn by turn: no sleeping, so a test takes as long as the thing it waits for. */
import { setImmediate } from 'node:timers/promises';
import type { Bed } from './beds.ts';

/**
 * It decides only how soon a failing test fails; what takes a second on an idle machine takes half a minute beside others. A
 * quarter of mocha's 240 s, so that the message comes through, also when something else has taken its time before.
 */
const DEADLINE_MS = 60_000;

/** Resolves once `condition` holds; rejects with what() when it does not in time. */
export async function until(condition: () => boolean, what: () => string, bed?: Bed): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited ${DEADLINE_MS} ms in vain for ${what()}`);
    await bed?.settle?.();
    await setImmediate();
  }
}

/** Lets `count` turns of the event loop pass, for asserting that something does not happen. */
export async function turns(count: number, bed?: Bed): Promise<void> {
  for (let left = count; left > 0; left--) {
    await bed?.settle?.();
    await setImmediate();
  }
}
