// npm run check [-- --all]: what to run after each small change, about ten seconds: the types, the lint and the format of the
// changed files, and the nearest tests that need no Windows. Changed is what differs from where this branch left origin/main,
// with what is not committed. Tests are taken by the import graph, the nearest first, as many as fit into a few seconds by what they
// took in their last run; --all takes all that can be concerned. `npm test` runs everything.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { runChild } from './child.mjs';
import { root } from './paths.mjs';
import { findSpecs } from './mocha/specs.mjs';
import { secondsOfSpecs } from './mocha/mocha.mjs';
import { ensureInstalled } from './setup.mjs';

/** What the tests may take, by the seconds of their last run. */
const BUDGET_SECONDS = 5;
/** Random programs notice most mistakes in the sources: they are asked whatever is changed there, besides what fits. */
const PROGRAMS = 'test/sim/programs.test.ts';
/** Files that have not changed since they were linted are not linted again. */
const CACHED_LINT = [
  '--max-warnings=0',
  '--cache',
  '--cache-location',
  '.build/eslint/',
  '--cache-strategy',
  'content',
];

process.chdir(root);
const all = process.argv.includes('--all');
await ensureInstalled({ windows: false });
const { affectedSpecs } = await import('./affected.mjs'); // what it imports is installed by now

const base = mergeBase();
const changed = changedFiles();
const code = changed.filter((file) => /\.([cm]?js|ts)$/.test(file));
const affected = await affectedSpecs(findSpecs('neutral', []), changed);
const specs = all ? affected.map(({ spec }) => spec) : nearest();
const left = affected.length - specs.length;
console.log(`${changed.length} changed files since ${base.slice(0, 9)}, ${affected.length} spec files are concerned`);

const results = await Promise.all([
  step('types', [bin('typescript', 'tsc'), '-p', 'tsconfig.json']),
  code.length > 0 &&
    step('lint', [
      bin('eslint', 'eslint.js'),
      '--config',
      '.config/eslint.config.js',
      ...CACHED_LINT,
      '--no-warn-ignored',
      ...code,
    ]),
  changed.length > 0 && step('format', [bin('prettier', 'prettier.cjs'), '--check', '--ignore-unknown', ...changed]),
  specs.length > 0 && step('tests', [path.join('scripts', 'test.mjs'), '--part=neutral', ...specs]),
]);
if (left > 0) console.log(`${left} spec files further away were left out: npm run check -- --all`);
process.exitCode = results.includes(1) ? 1 : 0;

/**
 * Runs a command and shows what it says when it fails.
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<0 | 1>}
 */
async function step(name, args) {
  const start = performance.now();
  const result = await runChild(process.execPath, args, { stdio: 'pipe' });
  const counts = name === 'tests' ? result.stdout.trim().split('\n').at(-1) : 'ok';
  const says = result.code === 0 ? counts : `failed:\n${result.stdout}${result.stderr}`;
  console.log(`${name} (${((performance.now() - start) / 1000).toFixed(1)} s): ${says}`);
  return result.code === 0 ? 0 : 1;
}

/** As many spec files as fit, the nearest first, and the cheap ones among equals. */
function nearest() {
  const secondsOf = secondsOfSpecs();
  const costs = affected
    .map(({ spec, distance }) => ({ spec, distance, cost: spec === PROGRAMS ? 0 : secondsOf(spec) }))
    .sort((a, b) => a.distance - b.distance || a.cost - b.cost);
  let spent = 0;
  return costs
    .filter(({ cost, distance }) => (spent += cost) <= BUDGET_SECONDS || distance === 0)
    .map(({ spec }) => spec);
}

function mergeBase() {
  try {
    return git(['merge-base', 'HEAD', 'origin/main'])[0] ?? 'HEAD';
  } catch {
    return 'HEAD'; // a clone without that branch
  }
}

function changedFiles() {
  const tracked = git(['diff', '--name-only', '--diff-filter=d', base]);
  const untracked = git(['ls-files', '--others', '--exclude-standard']);
  return [...tracked, ...untracked];
}

/** @param {string[]} args */
function git(args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .filter(Boolean);
}

/**
 * @param {string} name of a package
 * @param {string} file
 */
function bin(name, file) {
  return path.join('node_modules', name, 'bin', file);
}
