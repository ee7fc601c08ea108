// npm run mutate -- [--only text] [--jobs 2] [--seeds 20000]: breaks the driver in small ways, one at a time, in a copy of the tree, and
// reports which tests notice. By hand, and weekly in CI. Exits with 1 when a mutation survives that is not explained.
//
// StrykerJS was considered: it mutates operators, thousands of them, and runs a suite for each; the questions here are
// few and are about the kernel (who owns what, and when), and each should be answered by seeds, not by one unit test.
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runChild } from './child.mjs';
import { mutated } from './mutation-place.mjs';
import { mutations } from './mutations.mjs';
import { root } from './paths.mjs';
import { ensureInstalled } from './setup.mjs';
import { findSpecs } from './specs.mjs';
import { hostStripsTypes } from './wine.mjs';
import { remove, removeAtExit } from './remove.mjs';

/** @typedef {import('./mutations.mjs').Mutation} Mutation */
/** @typedef {{ by: string, after: string, says: string }} Catch */

/** Random programs before a mutation counts as not noticed by them; fewer with --seeds, for a quick look. */
const SEEDS = '20000';
/** A mutation may make the driver spin: that is noticed too. */
const LIMIT_MS = 240_000;
const COPIED = ['src', 'ffi', 'test', 'benchmarks', 'package.json', '.mocharc.json'];
/** Folders under test/ that ask about something else than the library's sources. */
const ELSEWHERE = ['docs', 'run', 'soak', 'doctor', 'sim', 'conformance'];

const neutral = findSpecs('neutral', []);
/** @param {string} folder */
const under = (folder) => neutral.filter((spec) => spec.startsWith(`test/${folder}/`));
/** @param {string} spec */
const isSlow = (spec) => ['exhaustive', 'programs'].some((name) => spec.endsWith(`/${name}.test.ts`));

/** In this order, until one notices. */
const SUITES = [
  {
    name: 'the parts alone',
    specs: neutral.filter((spec) => !ELSEWHERE.some((folder) => spec.startsWith(`test/${folder}/`))),
  },
  { name: 'the exhaustive orders', specs: neutral.filter((spec) => spec.endsWith('/exhaustive.test.ts')) },
  { name: 'the other simulated tests', specs: under('sim').filter((spec) => !isSlow(spec)) },
  { name: 'conformance on the simulated beds', specs: under('conformance') },
];

/** The same for mutations about UDP. */
const UDP_SUITES = [
  { name: 'the simulated datagrams', specs: under('sim/udp') },
  { name: 'conformance of UDP on the simulated beds', specs: under('conformance/udp') },
];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    seeds: { type: 'string', default: SEEDS },
  },
});
await ensureInstalled({ windows: false });
const loader = hostStripsTypes ? ['--disable-warning=ExperimentalWarning'] : ['--import=tsx'];
const chosen = mutations.filter(({ id }) => values.only === undefined || id.includes(values.only));
for (const mutation of chosen) mutated(root, mutation); // fails early when a text is not there any more

// The tree may be edited meanwhile; every mutation is of the same one.
const snapshot = mkdtempSync(path.join(tmpdir(), 'iocp-pal-mutants-'));
copyTree(root, snapshot);
removeAtExit(snapshot);
const asked = new Set(chosen.map(({ udp }) => udp === true));
const control = (asked.has(false) ? await hunt(null) : null) ?? (asked.has(true) ? await huntDatagrams(null) : null);
if (control !== null)
  throw new Error(`Cannot judge mutations: without any, ${control.by}${control.after} say ${control.says}`);

/** @type {(Catch | null)[]} */
const results = [];
let next = 0;
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
report();

async function work() {
  for (let index = next++; index < chosen.length; index = next++) {
    const mutation = chosen[index];
    if (mutation === undefined) return;
    const result = mutation.udp === true ? await huntDatagrams(mutation) : await hunt(mutation);
    results[index] = result;
    const outcome = result === null ? 'SURVIVES' : `caught by ${result.by}${result.after}: ${result.says}`;
    console.log(`${mutation.id}: ${outcome}`);
  }
}

/**
 * What notices a mutation; null stands for the tree as it is.
 * @param {Mutation | null} mutation
 * @returns {Promise<Catch | null>}
 */
function hunt(mutation) {
  return inMutant(mutation, async (folder) => (await byPrograms(folder)) ?? (await bySuites(folder, SUITES)));
}

/**
 * The same for UDP.
 * @param {Mutation | null} mutation
 */
function huntDatagrams(mutation) {
  return inMutant(mutation, (folder) => bySuites(folder, UDP_SUITES));
}

/**
 * Asks about a copy of the tree in which a mutation was made.
 * @param {Mutation | null} mutation
 * @param {(folder: string) => Promise<Catch | null>} ask
 */
async function inMutant(mutation, ask) {
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-mutant-'));
  try {
    copyTree(snapshot, folder);
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction'); // on Windows a symbolic link takes privileges
    if (mutation !== null) {
      const { file, text } = mutated(folder, mutation);
      writeFileSync(file, text);
    }
    return await ask(folder);
  } finally {
    remove(folder);
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
function copyTree(from, to) {
  for (const item of COPIED) {
    mkdirSync(path.dirname(path.join(to, item)), { recursive: true });
    cpSync(path.join(from, item), path.join(to, item), {
      recursive: true,
      filter: (file) => path.basename(file) !== 'node_modules',
    });
  }
}

/**
 * @param {string} folder
 * @returns {Promise<Catch | null>}
 */
async function byPrograms(folder) {
  const main = path.join('test', 'sim', 'support', 'main.ts');
  const { code, output } = await run(folder, [main, '--seeds', values.seeds, '--seed', '1', '--brief']);
  if (code === 0) return null;
  const after = /Failed after (\d+) programs/.exec(output)?.[1];
  return {
    by: 'random programs',
    after: after === undefined ? ', by hanging' : ` after ${after}`,
    says: saying(output),
  };
}

/**
 * @param {string} folder
 * @param {readonly { name: string, specs: string[] }[]} suites
 * @returns {Promise<Catch | null>}
 */
async function bySuites(folder, suites) {
  const mocha = path.join('node_modules', 'mocha', 'bin', 'mocha.js');
  for (const { name, specs } of suites) {
    const { code, output } = await run(folder, [mocha, '--bail', '--no-color', '--exit', ...specs]);
    if (code === 0) continue;
    const title = /\n\s+1\) (.+)\n\s+(.+):\n/.exec(output);
    return { by: name, after: '', says: title === null ? saying(output) : `${title[1] ?? ''}, ${title[2] ?? ''}` };
  }
  return null;
}

/**
 * @param {string} folder
 * @param {string[]} args
 */
async function run(folder, args) {
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort();
  }, LIMIT_MS);
  const result = await runChild(process.execPath, [...loader, ...args], {
    cwd: folder,
    stdio: 'pipe',
    abort: abort.signal,
  });
  clearTimeout(timer);
  // Ctrl-C: a mutation that nobody has judged is not caught.
  if (result.signal === 'SIGINT' || result.signal === 'SIGTERM') process.exit(130);
  return { code: result.code, output: result.stdout + result.stderr };
}

/**
 * The line that says what is wrong.
 * @param {string} output
 */
function saying(output) {
  return (/(?:Error|Warning): .*/.exec(output)?.[0] ?? output.trim().split('\n').at(-1) ?? '').slice(0, 160);
}

function report() {
  const survivors = chosen.filter((_, index) => results[index] === null);
  const unexplained = survivors.filter(({ survives }) => survives === undefined);
  console.log(`\n${chosen.length} mutations, ${chosen.length - survivors.length} caught, ${survivors.length} survived`);
  for (const { id, survives } of survivors) console.log(`  ${id}: ${survives ?? 'NOT EXPLAINED: a test is missing'}`);
  process.exitCode = unexplained.length > 0 ? 1 : 0;
}
