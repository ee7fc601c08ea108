/** No wait without an end: a server that has stopped answering is a failed measurement, not one that never ends. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Silence that means that the server hangs. The slowest peers answer within a few seconds. */
const STALL_MS = 20_000;
const LOOK_EVERY_MS = 50;

/**
 * Waits until `done` says so. Throws when `progress` has stayed the same for 20 s.
 * @param what is waited for, for the message.
 */
export async function until(done: () => boolean, progress: () => number, what: string): Promise<void> {
  let seen = progress();
  let movedAt = performance.now();
  while (!done()) {
    await sleep(LOOK_EVERY_MS);
    const here = progress();
    if (here !== seen) {
      seen = here;
      movedAt = performance.now();
    } else if (performance.now() - movedAt > STALL_MS) {
      throw new Error(`Nothing has moved for ${STALL_MS / 1000} s while waiting for ${what}`);
    }
  }
}
