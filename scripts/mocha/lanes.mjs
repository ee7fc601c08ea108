// Two runs at a time on one terminal: the first prints as it goes, the other once the first has come to its end.
import process from 'node:process';

/** @typedef {(stream: 'stdout' | 'stderr', chunk: string | Uint8Array) => void} Print */

/**
 * Runs both at a time. Each is given what to print with.
 * @template First, Second
 * @param {(print: Print) => Promise<First>} first
 * @param {(print: Print) => Promise<Second>} second
 * @param {Print} [show] what both print with in the end
 * @returns {Promise<[First, Second]>}
 */
export async function sideBySide(first, second, show = print) {
  /** @type {[Parameters<Print>[0], Parameters<Print>[1]][]} */
  const kept = [];
  let live = false;
  const release = () => {
    live = true;
    for (const [stream, chunk] of kept.splice(0)) show(stream, chunk);
  };
  // However this process ends: what was kept is all that there is to see of it.
  process.on('exit', release);
  try {
    return await Promise.all([
      first(show).finally(release),
      second((stream, chunk) => {
        if (live) show(stream, chunk);
        else kept.push([stream, chunk]);
      }),
    ]);
  } finally {
    release();
    process.off('exit', release);
  }
}

/** @type {Print} */
export function print(stream, chunk) {
  process[stream].write(chunk);
}
