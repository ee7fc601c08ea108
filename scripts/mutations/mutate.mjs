// npm run mutate -- [--only text] [--jobs 2] [--seeds 20000] [--limit 240] [--resume]: breaks the library in small ways, one at a
// time, in a copy of the tree, and reports which tests notice. By hand, and weekly in CI. Exits with 1 when a mutation survives
// that is not explained. Each answer is written to .build/mutations.json at once: --resume asks only about the mutations that have
// none there yet, or whose text has changed since.
//
// StrykerJS was considered: it mutates operators, thousands of them, and runs a suite for each; the questions here are
// few and are about the kernel (who owns what, and when), and each should be answered by seeds, not by one unit test.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runChild } from '../child.mjs';
import { mutated } from './mutation-place.mjs';
import { mutations } from './mutations.mjs';
import { buildFolder, root } from '../paths.mjs';
import { ensureInstalled } from '../setup.mjs';
import { findSpecs } from '../mocha/specs.mjs';
import { hostOptions } from '../wine.mjs';
import { removeAtExit } from '../remove.mjs';

/** @typedef {import('./mutations.mjs').Mutation} Mutation */
/** @typedef {{ by: string, after?: number, says: string }} Catch `after`: so many random programs */
/** @typedef {{ text: string, caught: Catch | null }} Answer `text` says what was changed, and is compared with --resume */

/** Random programs before a mutation counts as not noticed by them; fewer with --seeds, for a quick look. */
const SEEDS = '20000';
/** Most mutations are noticed by the first few programs, which take seconds: they are asked before the other tests. */
const FIRST_SEEDS = 300;
/** A mutation may make the library spin: that is noticed too, after so many seconds. A busy machine needs more. */
const LIMIT_SECONDS = '240';
const COPIED = ['src', 'ffi', 'scripts', 'test', 'benchmarks', 'docs', 'package.json', '.mocharc.json'];
/** Folders under test/ about what stands on the public calls alone; their tests take long, and find nothing that others do not. */
const FACES = ['net', 'dgram', 'http', 'register', 'promises', 'simulation'];
/** Folders under test/ that ask about something else than the library's sources, and those that are asked by themselves. */
const ELSEWHERE = ['docs', 'scripts', 'soak', 'doctor', 'sim', 'conformance', ...FACES];

/** Asked by themselves: after how many programs? */
const PROGRAMS = 'test/sim/programs.test.ts';

const neutral = findSpecs('neutral', []);
/** @param {string} folder */
const under = (folder) => neutral.filter((spec) => spec.startsWith(`test/${folder}/`));
/** In this order, until one notices. */
const SUITES = [
  {
    name: 'the parts alone',
    specs: neutral.filter((spec) => !ELSEWHERE.some((folder) => spec.startsWith(`test/${folder}/`))),
  },
  { name: 'conformance on the simulated beds', specs: under('conformance') },
  {
    name: 'the simulated tests',
    specs: under('sim').filter((spec) => !spec.includes('/orders/') && spec !== PROGRAMS),
  },
  { name: 'the simulated orders', specs: under('sim/orders') },
];

/** The same for mutations about UDP. */
const UDP_SUITES = [
  { name: 'the simulated datagrams', specs: under('sim/udp') },
  { name: 'conformance of UDP on the simulated beds', specs: under('conformance/udp') },
  { name: 'the parts that all sockets use, alone', specs: [...under('util'), ...under('memory'), ...under('sockets')] },
];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    seeds: { type: 'string', default: SEEDS },
    limit: { type: 'string', default: LIMIT_SECONDS },
    resume: { type: 'boolean', default: false },
  },
});
const answersFile = path.join(buildFolder, 'mutations.json');

await ensureInstalled({ windows: false });
const chosen = mutations.filter(({ id }) => values.only === undefined || id.includes(values.only));
for (const mutation of chosen) mutated(root, mutation); // fails early when a text is not there any more
const answers = readAnswers();
const open = chosen.filter((mutation) => answers[mutation.id]?.text !== textOf(mutation));

// The tree may be edited meanwhile; every mutation is of the same one.
const snapshot = copyOfTree(root, 'snapshot');
await askWithoutMutation();
let next = 0;
await Promise.all(Array.from({ length: Math.min(Number(values.jobs), open.length) }, work));
report();

/** Tests that fail in the tree as it is say nothing about mutations. */
async function askWithoutMutation() {
  const suites = [...(open.some(({ udp }) => !udp) ? SUITES : []), ...(open.some(({ udp }) => udp) ? UDP_SUITES : [])];
  const seen = (await byPrograms(snapshot, FIRST_SEEDS)) ?? (await bySuites(snapshot, suites));
  if (seen !== null) throw new Error(`Cannot judge mutations: without any, ${seen.by} say ${seen.says}`);
}

async function work() {
  const folder = copyOfTree(snapshot, 'mutant');
  for (let mutation = open[next++]; mutation !== undefined; mutation = open[next++]) {
    const { file, text } = mutated(folder, mutation);
    const original = readFileSync(file);
    writeFileSync(file, text);
    const caught = await hunt(folder, mutation);
    writeFileSync(file, original);
    answers[mutation.id] = { text: textOf(mutation), caught };
    writeFileSync(answersFile, JSON.stringify(answers, null, 2));
    console.log(
      `${mutation.id}: ${caught === null ? 'SURVIVES' : `caught by ${caught.by}${shown(caught)}: ${caught.says}`}`,
    );
  }
}

/**
 * What notices the mutation that was made in a folder: the tests that take seconds are asked first.
 * @param {string} folder
 * @param {Mutation} mutation
 * @returns {Promise<Catch | null>}
 */
async function hunt(folder, { udp }) {
  if (udp) return bySuites(folder, UDP_SUITES);
  const seeds = Number(values.seeds);
  const first = await byPrograms(folder, Math.min(FIRST_SEEDS, seeds));
  return first ?? (await bySuites(folder, SUITES)) ?? (seeds > FIRST_SEEDS ? byPrograms(folder, seeds) : null);
}

/**
 * Those of mutations that are not asked about are kept.
 * @returns {Record<string, Answer>}
 */
function readAnswers() {
  mkdirSync(buildFolder, { recursive: true });
  const found = existsSync(answersFile) ? readFileSync(answersFile, 'utf8') : '{}';
  const known = /** @type {Record<string, Answer>} */ (JSON.parse(found));
  return Object.fromEntries(
    Object.entries(known).filter(([name]) => values.resume || !chosen.some(({ id }) => id === name)),
  );
}

/** @param {Mutation} mutation */
function textOf({ find, replace }) {
  return `${find} → ${replace}`;
}

/**
 * @param {string} from a checkout
 * @param {string} name
 * @returns {string} a folder for temporary files, which goes when this process ends
 */
function copyOfTree(from, name) {
  const folder = mkdtempSync(path.join(tmpdir(), `iocp-pal-${name}-`));
  removeAtExit(folder);
  copyTree(from, folder);
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction'); // on Windows a symbolic link takes privileges
  return folder;
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
 * @param {number} seeds
 * @returns {Promise<Catch | null>}
 */
async function byPrograms(folder, seeds) {
  const main = path.join('test', 'sim', 'support', 'main.ts');
  const { code, output } = await run(folder, [main, '--seeds', String(seeds), '--seed', '1', '--brief']);
  if (code === 0) return null;
  const after = /Failed after (\d+) programs/.exec(output)?.[1];
  return { by: 'random programs', ...(after !== undefined && { after: Number(after) }), says: saying(output) };
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
    return { by: name, says: title === null ? saying(output) : `${title[1] ?? ''}, ${title[2] ?? ''}` };
  }
  return null;
}

/**
 * @param {string} folder
 * @param {string[]} args
 */
async function run(folder, args) {
  const abort = new AbortController();
  const timer = setTimeout(
    () => {
      abort.abort();
    },
    Number(values.limit) * 1000,
  );
  const result = await runChild(process.execPath, [...hostOptions, ...args], {
    cwd: folder,
    stdio: 'pipe',
    abort: abort.signal,
  });
  clearTimeout(timer);
  // Ctrl-C: a mutation that nobody has judged is not caught.
  if (result.signal === 'SIGINT' || result.signal === 'SIGTERM') process.exit(130);
  const ended = abort.signal.aborted ? `\nError: it did not end within ${values.limit} s` : '';
  return { code: result.code, output: `${result.stdout}${result.stderr}${ended}` };
}

/**
 * The line that says what is wrong.
 * @param {string} output
 */
function saying(output) {
  const lines = [/Error: it did not end .*/, /\w*Error: .*/, /Warning: .*/].map((line) => line.exec(output)?.[0]);
  return (lines.find((line) => line !== undefined) ?? output.trim().split('\n').at(-1) ?? '').slice(0, 160);
}

/** @param {Catch} caught */
function shown({ after }) {
  return after === undefined ? '' : ` after ${after}`;
}

function report() {
  const survivors = chosen.filter(({ id }) => answers[id]?.caught === null);
  console.log(`\n${chosen.length} mutations, ${chosen.length - survivors.length} caught, ${survivors.length} survived`);
  for (const [by, count] of catchers()) console.log(`  ${count} caught by ${by}`);
  for (const { id, survives } of survivors) console.log(`  ${id}: ${survives ?? 'NOT EXPLAINED: a test is missing'}`);
  process.exitCode = survivors.some(({ survives }) => survives === undefined) ? 1 : 0;
}

/** How many each sort of test has caught. */
function catchers() {
  /** @type {Map<string, number>} */
  const counts = new Map();
  let latest = 0;
  for (const { id } of chosen) {
    const caught = answers[id]?.caught;
    if (!caught) continue;
    counts.set(caught.by, (counts.get(caught.by) ?? 0) + 1);
    latest = Math.max(latest, caught.after ?? 0);
  }
  return [...counts].map(
    ([by, count]) =>
      /** @type {const} */ ([by === 'random programs' ? `${by}, the last of them after ${latest}` : by, count]),
  );
}
