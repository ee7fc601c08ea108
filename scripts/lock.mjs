// One process at a time, across processes and clones: a lock that is a folder, since mkdir either makes it or fails.
import { mkdirSync, statSync, utimesSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { remove } from './remove.mjs';

/** The holder touches its lock this often. */
const TOUCH_MS = 1_000;

/** A lock nobody has touched for this long belongs to a process that died. */
const STALE_MS = 15_000;

/**
 * @template T
 * @param {string} folder the parent must exist
 * @param {() => Promise<T>} work
 * @param {() => void} onWait called once, when somebody else holds the lock
 * @returns {Promise<T>}
 */
export async function withLock(folder, work, onWait) {
  let told = false;
  while (!take(folder)) {
    if (!told) onWait();
    told = true;
    dropIfStale(folder);
    await sleep(100);
  }
  const touch = setInterval(() => {
    try {
      utimesSync(folder, new Date(), new Date());
    } catch {
      // Another one took it for stale: this machine has slept.
    }
  }, TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    remove(folder);
  }
}

/** @param {string} folder */
function take(folder) {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} folder */
function dropIfStale(folder) {
  // One at a time, or a second one would drop the fresh lock that was made in the place of the stale one.
  const dropping = `${folder}.dropping`;
  if (!take(dropping)) {
    if (isStale(dropping)) remove(dropping);
    return;
  }
  try {
    if (isStale(folder)) remove(folder);
  } finally {
    remove(dropping);
  }
}

/** @param {string} folder */
function isStale(folder) {
  const touched = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  return Date.now() - touched >= STALE_MS;
}
