// npm run node-tests -- folder [--group net]… [--only text] [--side plain|ours] [--jobs 1] [--limit 120] [--resume] [--write]
//   [--register src/register/index.ts]
//
// Runs Node's own test files on the Windows node.exe, a process each: once as it is, for a baseline, and once with iocp-pal in the
// place of its own module. `folder` is a checkout of nodejs/node, or of denoland/node_test, which has its tests alone.
//
//   --group    the tests of net (the default), http, https, tls, http2 or dgram. Those of net and dgram load the module under
//              test; below the others it is put by the module that registers it
//   --only     files with that text in their name; several texts with commas between them
//   --resume   asks only what has no answer yet in .build/node-tests.json
//   --limit    seconds for a file
//   --write    writes the tables of docs/node-compat.md from all answers there are
//
// What a file printed is in .build/node-tests/<side>/. Exits with 1 when a file that passes on plain node.exe fails with ours and
// is not in expected-failures.json, or is there and passes.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readAnswers, writeAnswer } from './answers.mjs';
import { expectedTable, judge, resultsTable, withSection } from './judge.mjs';
import { findTestFiles, GROUPS } from './test-file.mjs';
import { bundleCommonJs } from '../bundle.mjs';
import { buildFolder, root } from '../paths.mjs';
import { removeAtExit } from '../remove.mjs';
import { ensureInstalled } from '../setup.mjs';
import { runOnWindowsNode } from '../wine.mjs';

/** @typedef {import('./answers.mjs').Answer} Answer */
/** @typedef {import('./answers.mjs').Side} Side */
/** @typedef {import('./test-file.mjs').TestFile} TestFile */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    group: { type: 'string', multiple: true, default: ['net'] },
    only: { type: 'string' },
    side: { type: 'string' },
    register: { type: 'string', default: path.join(root, 'src', 'register', 'index.ts') },
    jobs: { type: 'string', default: '1' },
    limit: { type: 'string', default: '120' },
    resume: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const checkout = path.resolve(positionals[0] ?? '');
if (positionals.length !== 1 || !existsSync(path.join(checkout, 'test', 'parallel')))
  throw new Error(
    `Cannot find test/parallel in '${positionals[0] ?? ''}': give the folder of a checkout of nodejs/node`,
  );

const page = path.join(root, 'docs', 'node-compat.md');
const expected = /** @type {import('./judge.mjs').ExpectedFailures} */ (
  JSON.parse(readFileSync(path.join(import.meta.dirname, 'expected-failures.json'), 'utf8'))
);
const outputs = path.join(buildFolder, 'node-tests');
/** Modules that a test loads itself. */
const FACES = ['net', 'dgram'];
/** Drive Z is the whole of Linux, under Wine. Forward slashes: in NODE_OPTIONS a backslash is an escape. */
const drive = process.platform === 'win32' ? '' : 'Z:';

const sides = /** @type {Side[]} */ (values.side === undefined ? ['plain', 'ours'] : [values.side]);
const wanted = values.only?.split(',') ?? [''];
const files = findTestFiles(checkout, values.group);
const chosen = files.filter(({ name }) => wanted.some((text) => name.includes(text)));
let answers = readAnswers();
const open = sides.flatMap((side) =>
  chosen
    .filter(({ name }) => !values.resume || answers[name]?.[side] === undefined)
    .map((file) => /** @type {const} */ ([side, file])),
);

const { windowsReady, reason } = await ensureInstalled({ windows: true });
if (!windowsReady) throw new Error(reason);
for (const entry of new Set(open.flatMap(([side, { group }]) => (side === 'ours' ? [entryFor(group)] : [])))) {
  const bundle = bundleOf(entry);
  await bundleCommonJs(entry, bundle);
  for (const made of [bundle, `${bundle}.map`]) removeAtExit(made);
}
let next = 0;
await Promise.all(Array.from({ length: Number(values.jobs) }, (_, job) => work(job)));
report();

/** @param {string} group */
function entryFor(group) {
  return FACES.includes(group) ? path.join(root, 'src', group, 'index.ts') : path.resolve(values.register);
}

/**
 * One file, since many take a process long to load. Another run may have its own.
 * @param {string} entry
 */
function bundleOf(entry) {
  return path.join(outputs, `${path.basename(path.dirname(entry))}-${process.pid}.cjs`);
}

/**
 * What preload.cjs is told.
 * @param {string} group
 */
function underTest(group) {
  const file = `${drive}${bundleOf(entryFor(group))}`;
  return FACES.includes(group) ? { IOCP_PAL_MODULE: file, IOCP_PAL_IN_PLACE_OF: group } : { IOCP_PAL_REGISTER: file };
}

/** @param {number} job */
async function work(job) {
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-node-tests-'));
  removeAtExit(folder);
  for (let asked = open[next++]; asked !== undefined; asked = open[next++]) {
    const [side, file] = asked;
    const answer = await ask(side, file, folder, job);
    answers = writeAnswer(file.name, side, answer);
    console.log(`${side} ${file.name}: ${answer.outcome}${answer.says === '' ? '' : `: ${answer.says}`}`);
  }
}

/**
 * @param {Side} side
 * @param {TestFile} file
 * @param {string} folder for what the test writes
 * @param {number} job
 * @returns {Promise<Answer>}
 */
async function ask(side, file, folder, job) {
  const abort = new AbortController();
  const timer = setTimeout(
    () => {
      abort.abort();
    },
    Number(values.limit) * 1000,
  );
  const preload = `${drive}${path.join(import.meta.dirname, 'preload.cjs').replaceAll(path.sep, '/')}`;
  const start = performance.now();
  const { code, signal, stdout, stderr } = await runOnWindowsNode([...file.flags, file.path], {
    cwd: path.join(checkout, 'test', 'parallel'),
    stdio: 'pipe',
    abort: abort.signal,
    env: {
      NODE_TEST_DIR: `${drive}${folder}`,
      TEST_SERIAL_ID: String(job),
      NODE_OPTIONS: `--require "${preload}"`,
      ...(side === 'ours' && underTest(file.group)),
    },
  });
  clearTimeout(timer);
  if (signal === 'SIGINT' || signal === 'SIGTERM') process.exit(130); // nobody has judged this file
  const printed = path.join(outputs, side, `${file.name}.txt`);
  mkdirSync(path.dirname(printed), { recursive: true });
  writeFileSync(printed, `${stdout}${stderr}\nexit code ${code}\n`);
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const skipped = /^1\.\.0 # Skipped: (.*)/m.exec(stdout)?.[1];
  if (abort.signal.aborted) return { outcome: 'timed out', says: `did not end within ${values.limit} s`, seconds };
  if (code === 0)
    return { outcome: skipped === undefined ? 'passed' : 'skipped', says: skipped?.trim() ?? '', seconds };
  return { outcome: 'failed', says: saying(stdout + stderr, code), seconds };
}

/**
 * The line that says what is wrong.
 * @param {string} output
 * @param {number} code
 */
function saying(output, code) {
  const line = [/^\w*Error.*: .*/m, /^Mismatched .*/m, /\w*Error.*/].map((one) => one.exec(output)?.[0]);
  return (line.find((text) => text !== undefined) ?? `exit code ${code}`).trim().slice(0, 200);
}

function report() {
  const groups = GROUPS.filter((group) =>
    findTestFiles(checkout, [group]).some(({ name }) => answers[name]?.ours !== undefined),
  );
  const all = findTestFiles(checkout, groups);
  const results = resultsTable(all, answers, expected);
  console.log(`\n${results}`);
  const { unexplained, outdated } = judge(all, answers, expected);
  for (const { name } of unexplained) console.log(`NOT EXPECTED: ${name}: ${answers[name]?.ours?.says ?? ''}`);
  for (const { name } of outdated) console.log(`passes, and is in expected-failures.json: ${name}`);
  process.exitCode = unexplained.length + outdated.length > 0 ? 1 : 0;
  if (!values.write) return;
  const text = withSection(readFileSync(page, 'utf8'), 'results', results);
  writeFileSync(page, withSection(text, 'expected failures', expectedTable(expected)));
}
