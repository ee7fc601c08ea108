// One mocha process, watched, with its results counted.
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildFolder, root } from './paths.mjs';
import { remove } from './remove.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * @typedef {object} Outcome
 * @property {Counts} counts
 * @property {string} [problem] what went wrong besides tests that failed; it is in the counts as one failure
 * @property {NodeJS.Signals | null} signal what ended the run early
 */

/** @typedef {(args: string[], options: import('./child.mjs').ChildOptions) => Promise<import('./child.mjs').ChildResult>} Launch */

/**
 * Above the longest timeout of a test or a hook (test/package: 300 s), so silence as long as this is a hang: a blocked thread,
 * or a handle that keeps node.exe alive.
 */
const SILENCE_MS = 400_000;

/** Runs the tests in its own process, as long as no option of Node.js is among its options or in .mocharc.json. */
const mochaCommand = path.join('node_modules', 'mocha', 'bin', 'mocha.js');

/**
 * @param {string} name
 * @param {string[]} args mocha's
 * @param {NodeJS.ProcessEnv} env
 * @param {Launch} launch
 * @returns {Promise<Outcome>}
 */
export async function runMocha(name, args, env, launch) {
  mkdirSync(buildFolder, { recursive: true });
  // Relative, since Windows under Wine has other absolute paths.
  const countsFile = path.join(path.relative(root, buildFolder), `counts-${name}-${process.pid}.json`);
  const watchdog = new AbortController();
  const timer = setTimeout(() => {
    watchdog.abort();
  }, SILENCE_MS);
  const colours = process.stdout.isTTY ? ['--color'] : ['--no-color'];
  const onlyForbidden = process.env['CI'] ? ['--forbid-only'] : [];
  try {
    const result = await launch(
      [mochaCommand, '--reporter=test/run/reporter.cjs', ...colours, ...onlyForbidden, ...args],
      {
        cwd: root,
        env: { ...process.env, ...env, IOCP_PAL_COUNTS: countsFile, ...(!process.stdout.isTTY && { NO_COLOR: '1' }) },
        onOutput: () => timer.refresh(),
        abort: watchdog.signal,
      },
    );
    return judge(name, readCounts(countsFile), result, watchdog.signal.aborted);
  } finally {
    clearTimeout(timer);
    remove(path.join(root, countsFile));
  }
}

/**
 * @param {string} countsFile
 * @returns {Counts | undefined}
 */
function readCounts(countsFile) {
  try {
    return /** @type {Counts} */ (JSON.parse(readFileSync(path.join(root, countsFile), 'utf8')));
  } catch {
    return undefined; // mocha did not come to its end
  }
}

/**
 * @param {string} name
 * @param {Counts | undefined} counts
 * @param {import('./child.mjs').ChildResult} result
 * @param {boolean} wasSilent
 * @returns {Outcome}
 */
function judge(name, counts, { code, signal }, wasSilent) {
  const problem = describe();
  const known = counts ?? { passed: 0, failed: 0, skipped: 0 };
  if (problem === undefined) return { counts: known, signal: null };
  return { counts: { ...known, failed: known.failed + 1 }, problem, signal: wasSilent ? null : signal };

  function describe() {
    const part = `The ${name} part`;
    const when = counts ? 'after its last test' : 'before it had run all tests';
    if (wasSilent) return `${part} printed nothing for ${SILENCE_MS / 1000} s ${when}, and was killed`;
    if (signal !== null) return `${part} was ended by ${signal} ${when}`;
    if (!counts) return `${part} ended with exit code ${code} ${when}`;
    if (code !== 0 && counts.failed === 0)
      return `${part} ended with exit code ${code} ${when}, though none had failed`;
    return undefined;
  }
}
