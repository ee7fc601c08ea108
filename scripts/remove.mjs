// Removes files and folders, on a system that may not let go of them at once.
import { rmSync } from 'node:fs';

/**
 * How often a removal is tried again, a tenth of a second later each time. On Windows a file that anybody has open, a virus
 * scanner or an indexer just after it was written, cannot be removed: EBUSY, EPERM, ENOTEMPTY of its folder.
 */
const RETRIES = 5;

/**
 * Removes a file, or a folder with all that is in it; what does not exist is fine. (Node.js tries again only when it is told to
 * be recursive.)
 * @param {string} path
 * @throws {Error} when it is in use for longer
 */
export function remove(path) {
  rmSync(path, { recursive: true, force: true, maxRetries: RETRIES });
}

/**
 * Removes it when the process ends. What fails then is left where it is, in a folder for temporary files: it must not turn the exit
 * code of a run that passed.
 * @param {string} path
 */
export function removeAtExit(path) {
  process.once('exit', () => {
    try {
      remove(path);
    } catch {
      // Somebody has it open still.
    }
  });
}
