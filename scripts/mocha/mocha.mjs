// One mocha process, watched, with its results counted.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { print as printNow } from './lanes.mjs';
import { buildFolder, root } from '../paths.mjs';
import { remove } from '../remove.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * What the reporter leaves in a file, after the last test.
 * @typedef {Counts & { seconds: Record<string, number>, keptBy?: string[], ending?: boolean }} Report
 */

/**
 * @typedef {object} Outcome
 * @property {Counts} counts
 * @property {string} [problem] what went wrong besides tests that failed; it is in the counts as one failure
 * @property {NodeJS.Signals | null} signal what ended the run early
 */

/** @typedef {(args: string[], options: import('../child.mjs').ChildOptions) => Promise<import('../child.mjs').ChildResult>} Launch */

/** Above the longest timeout of a test or a hook (test/package), so silence as long as this is a hang: a blocked thread. */
const SILENCE_MS = 1_000_000;

/**
 * A process that is still there so long after its last test is kept by something: it then says what, and ends as a failure. One
 * that cannot even do that, since a thread is blocked, is killed after twice as long.
 */
const STAYS_MS = 60_000;

/** How often to look whether the last test has run. */
const LOOK_EVERY_MS = 500;

/** What each spec file of the neutral part took when it ran last. */
const secondsFile = path.join(buildFolder, 'seconds.json');
/** A spec file that has never run here. */
const UNKNOWN_SECONDS = 1;

/** Runs the tests in its own process, as long as no option of Node.js is among its options or in .mocharc.json. */
const mochaCommand = path.join('node_modules', 'mocha', 'bin', 'mocha.js');

/** Runs of this process: two of the same name may run at a time. */
let runs = 0;

/**
 * @param {string} name
 * @param {string[]} args mocha's
 * @param {NodeJS.ProcessEnv} env
 * @param {Launch} launch
 * @param {import('./lanes.mjs').Print} [print]
 * @param {number} [staysMs]
 * @returns {Promise<Outcome>}
 */
export async function runMocha(name, args, env, launch, print = printNow, staysMs = STAYS_MS) {
  mkdirSync(buildFolder, { recursive: true });
  // Relative, since Windows under Wine has other absolute paths.
  const countsFile = path.join(path.relative(root, buildFolder), `counts-${name}-${process.pid}-${runs++}.json`);
  const watchdog = new AbortController();
  const kill = () => {
    watchdog.abort();
  };
  const timer = setTimeout(kill, SILENCE_MS);
  /** @type {NodeJS.Timeout | undefined} */
  let staying;
  const look = setInterval(() => {
    if (staying === undefined && existsSync(path.join(root, countsFile))) staying = setTimeout(kill, 2 * staysMs);
  }, LOOK_EVERY_MS);
  const colours = process.stdout.isTTY ? ['--color'] : ['--no-color'];
  const onlyForbidden = process.env['CI'] ? ['--forbid-only'] : [];
  try {
    const result = await launch(
      [mochaCommand, '--reporter=scripts/mocha/reporter.cjs', ...colours, ...onlyForbidden, ...args],
      {
        cwd: root,
        env: {
          ...process.env,
          ...env,
          IOCP_PAL_COUNTS: countsFile,
          IOCP_PAL_STAYS_MS: String(staysMs),
          ...(!process.stdout.isTTY && { NO_COLOR: '1' }),
        },
        onOutput: () => timer.refresh(),
        print,
        abort: watchdog.signal,
      },
    );
    const report = readReport(countsFile);
    if (name === 'neutral' && report !== undefined) noteSeconds(report.seconds);
    return judge(name, report, result, watchdog.signal.aborted);
  } finally {
    clearTimeout(timer);
    clearTimeout(staying);
    clearInterval(look);
    remove(path.join(root, countsFile));
  }
}

/**
 * @param {string} countsFile
 * @returns {Report | undefined}
 */
function readReport(countsFile) {
  try {
    return /** @type {Report} */ (JSON.parse(readFileSync(path.join(root, countsFile), 'utf8')));
  } catch {
    return undefined; // mocha did not come to its end
  }
}

/** @param {Record<string, number>} seconds */
function noteSeconds(seconds) {
  writeFileSync(secondsFile, JSON.stringify({ ...readSeconds(), ...seconds }, null, 2));
}

/** @returns {Record<string, number>} */
function readSeconds() {
  if (!existsSync(secondsFile)) return {};
  return /** @type {Record<string, number>} */ (JSON.parse(readFileSync(secondsFile, 'utf8')));
}

/** @returns {(spec: string) => number} what a spec file of the neutral part took when it ran last, in seconds */
export function secondsOfSpecs() {
  const seconds = readSeconds();
  return (spec) => seconds[spec] ?? UNKNOWN_SECONDS;
}

/**
 * @param {string} name
 * @param {Report | undefined} report
 * @param {import('../child.mjs').ChildResult} result
 * @param {boolean} wasKilled
 * @returns {Outcome}
 */
function judge(name, report, { code, signal }, wasKilled) {
  const problem = describe();
  const { passed, failed, skipped } = report ?? { passed: 0, failed: 0, skipped: 0 };
  if (problem === undefined) return { counts: { passed, failed, skipped }, signal: null };
  return { counts: { passed, failed: failed + 1, skipped }, problem, signal: wasKilled ? null : signal };

  function describe() {
    const part = `The ${name} part`;
    const when = report ? 'after its last test' : 'before it had run all tests';
    if (report?.keptBy) return `${part} did not end by itself ${when}: it was kept by ${listed(report.keptBy)}`;
    if (wasKilled && report) {
      const where = report.ending ? 'it had begun to end, so a thread is blocked' : 'its main thread is blocked';
      return `${part} did not end ${when}, and was killed: ${where}`;
    }
    if (wasKilled) return `${part} printed nothing for ${SILENCE_MS / 1000} s ${when}, and was killed`;
    if (signal !== null) return `${part} was ended by ${signal} ${when}`;
    if (!report) return `${part} ended with exit code ${code} ${when}`;
    if (code !== 0 && report.failed === 0)
      return `${part} ended with exit code ${code} ${when}, though none had failed`;
    return undefined;
  }
}

/** @param {string[]} resources as process.getActiveResourcesInfo() names them, each as often as there is one */
function listed(resources) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const name of resources) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (
    [...counts].map(([name, count]) => (count > 1 ? `${count} × ${name}` : name)).join(', ') ||
    'nothing that Node.js names'
  );
}
