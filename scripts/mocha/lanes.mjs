// Several runs at a time on one terminal: the first prints as it goes, each other once those before it have come to their end.
import process from 'node:process';

/** @typedef {(stream: 'stdout' | 'stderr', chunk: string | Uint8Array) => void} Print */

/**
 * Runs all at a time. Each is given what to print with.
 * @template Result
 * @param {readonly ((print: Print) => Promise<Result>)[]} runs
 * @param {Print} [show] what all print with in the end
 * @returns {Promise<Result[]>}
 */
export async function sideBySide(runs, show = print) {
  /** @type {{ ended: boolean, kept: Parameters<Print>[] }[]} */
  const lanes = runs.map(() => ({ ended: false, kept: [] }));
  const isLive = (/** @type {number} */ index) => lanes.slice(0, index).every(({ ended }) => ended);
  const release = (/** @type {number} */ index) => {
    for (const chunk of lanes[index]?.kept.splice(0) ?? []) show(...chunk);
  };
  const releaseAll = () => {
    for (const index of lanes.keys()) release(index);
  };
  // However this process ends: what was kept is all that there is to see of it.
  process.on('exit', releaseAll);
  try {
    return await Promise.all(
      runs.map(async (run, index) => {
        const lane = lanes[index] ?? { ended: false, kept: [] };
        try {
          return await run((...chunk) => {
            if (isLive(index)) show(...chunk);
            else lane.kept.push(chunk);
          });
        } finally {
          lane.ended = true;
          for (const other of lanes.keys()) if (isLive(other)) release(other);
        }
      }),
    );
  } finally {
    releaseAll();
    process.off('exit', releaseAll);
  }
}

/** @type {Print} */
export function print(stream, chunk) {
  process[stream].write(chunk);
}
