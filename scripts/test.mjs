// npm test -- [--part=neutral|windows|package] [--node=20|22|24|26] [--long] [spec files or folders] [mocha's options]
//
// --long: the tests that try samples try everything (test/support/extent.ts); `npm run test:long` runs those.
//
// Three parts. What needs no Windows runs on this Node.js. What calls Windows runs on the Windows node.exe, on Linux through
// Wine. Specs under test/conformance, test/net and test/http run in both. Those under test/package try what npm would publish.
// The windows part, which waits more than it works, runs beside the two others where there is a CPU for it; its output comes
// behind theirs. IOCP_PAL_PARTS=one-at-a-time keeps them apart. The last line is always "N passed, N failed", summed over the parts.
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { runChild } from './child.mjs';
import { compile, compiledCopy } from './compile.mjs';
import { runMocha, secondsOfSpecs } from './mocha/mocha.mjs';
import { print as printNow, sideBySide } from './mocha/lanes.mjs';
import { withLock } from './lock.mjs';
import { install, isInstalled } from './npm/npm-install.mjs';
import { buildFolder, packageFolder, root, softwareFolder, vitestFolder } from './paths.mjs';
import { ensureInstalled } from './setup.mjs';
import { findSpecs, isSpecOrFolder, shares } from './mocha/specs.mjs';
import { hostOptions, runOnWindowsNode, windowsStripsTypes } from './wine.mjs';

/** @typedef {import('./mocha/mocha.mjs').Outcome} Outcome */
/** @typedef {import('./mocha/specs.mjs').Part} Part */
/** @typedef {import('./mocha/lanes.mjs').Print} Print */

/** The neutral part runs in several processes, where there are CPUs for it, if it took longer than this the last time. */
const WORTH_SHARING_SECONDS = 20;
/** More processes than CPUs: a fourth of the time of the neutral part is waiting. */
const SHARES = 3;
/**
 * MB. V8 marks all that lives whenever its heap, and the memory of simulated processes with it, has grown by about half: of a
 * heap as small as ours that is many times a second, and was a third of what the tests cost.
 */
const HEAP = '--initial-old-space-size=256';

process.chdir(root);
const args = process.argv.slice(2);
const onlyPart = takeOption('part', ['neutral', 'windows', 'package']);
const node = takeOption('node');
const long = takeFlag('long');
const chosenSpecs = args.filter(isSpecOrFolder);
const mochaArgs = args.filter((arg) => !isSpecOrFolder(arg));

if (
  chosenSpecs.length > 0 &&
  ['neutral', 'windows', 'package'].every((part) => findSpecs(/** @type {Part} */ (part), chosenSpecs).length === 0)
) {
  throw new Error(`Cannot find a spec file (*.test.ts) in ${chosenSpecs.join(', ')}`);
}
const setup = await ensureInstalled({ windows: onlyPart !== 'neutral', node });
/** @type {Outcome[]} */
const outcomes = [];
/** The windows part waits more than it works, but takes a CPU for itself. */
const freeCpus = availableParallelism() - Number(onlyPart === undefined);
const atATime = availableParallelism() > 1 && process.env['IOCP_PAL_PARTS'] !== 'one-at-a-time';
if (atATime) await sideBySide([runPartsOfTheHost, (print) => runParts({ windows: runWindowsPart }, print)]);
else await runParts({ neutral: runNeutralPart, windows: runWindowsPart, package: runPackagePart }, printNow);
report();

/** @param {Print} print */
function runPartsOfTheHost(print) {
  return runParts({ neutral: runNeutralPart, package: runPackagePart }, print);
}

/**
 * One after the other.
 * @param {Partial<Record<Part, (print: Print) => Promise<Outcome>>>} parts
 * @param {Print} print
 */
async function runParts(parts, print) {
  for (const [name, run] of Object.entries(parts)) {
    const part = /** @type {Part} */ (name);
    const interrupted = outcomes.some(({ signal }) => signal !== null);
    if (!interrupted && (onlyPart === undefined || onlyPart === part)) {
      outcomes.push(await counted(part, () => run(print)));
    }
  }
}

/**
 * A part that cannot run at all is a failure, and costs no other part its results.
 * @param {Part} part
 * @param {() => Promise<Outcome>} run
 * @returns {Promise<Outcome>}
 */
async function counted(part, run) {
  try {
    return await run();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      counts: { passed: 0, failed: 1, skipped: 0 },
      problem: `The ${part} part could not run: ${why}`,
      signal: null,
    };
  }
}

/**
 * @param {Print} print
 * @returns {Promise<Outcome>}
 */
async function runNeutralPart(print) {
  const specs = findSpecs('neutral', chosenSpecs);
  if (specs.length === 0) return nothing();
  const secondsOf = secondsOfSpecs();
  const seconds = specs.reduce((sum, spec) => sum + secondsOf(spec), 0);
  const isShared = atATime && freeCpus > 1 && seconds > WORTH_SHARING_SECONDS;
  const parts = shares(specs, secondsOf, isShared ? SHARES : 1);
  const where = parts.length > 1 ? `, in ${parts.length} processes` : '';
  print('stdout', `\nneutral part: ${specs.length} spec files on Node ${process.versions.node}${where}\n`);
  const env = long ? { IOCP_PAL_LONG: '1' } : {};
  return sumOf(
    await sideBySide(
      parts.map((part) => (show) => runOnThisNode('neutral', part, env, show)),
      print,
    ),
  );
}

/**
 * @param {readonly Outcome[]} parts
 * @returns {Outcome}
 */
function sumOf(parts) {
  const problem = parts.flatMap((part) => part.problem ?? []).join('\n');
  return {
    counts: { passed: sum(parts, 'passed'), failed: sum(parts, 'failed'), skipped: sum(parts, 'skipped') },
    ...(problem !== '' && { problem }),
    signal: parts.find(({ signal }) => signal !== null)?.signal ?? null,
  };
}

/**
 * @param {readonly Outcome[]} parts
 * @param {keyof Outcome['counts']} what
 */
function sum(parts, what) {
  return parts.reduce((total, { counts }) => total + counts[what], 0);
}

/**
 * @param {Print} print
 * @returns {Promise<Outcome>}
 */
async function runPackagePart(print) {
  const specs = findSpecs('package', chosenSpecs);
  if (specs.length === 0) return nothing();
  mkdirSync(buildFolder, { recursive: true });
  // It builds dist/, which another run in this clone may be packing.
  return withLock(
    path.join(buildFolder, 'package.lock'),
    async () => {
      for (const folder of [packageFolder, vitestFolder, softwareFolder])
        if (!isInstalled(folder)) await install(folder);
      print('stdout', `\npackage part: ${specs.length} spec files on Node ${process.versions.node}\n`);
      return runOnThisNode('package', specs, setup.windowsReady ? { IOCP_PAL_RUN_WINDOWS: '1' } : {}, print);
    },
    () => console.error('waiting for the package part of another run'),
  );
}

/**
 * @param {string} name
 * @param {string[]} specs
 * @param {NodeJS.ProcessEnv} env
 * @param {Print} print
 */
function runOnThisNode(name, specs, env, print) {
  const launch = (/** @type {string[]} */ mocha, /** @type {import('./child.mjs').ChildOptions} */ options) =>
    runChild(process.execPath, [...hostOptions, HEAP, ...mocha], options);
  return runMocha(name, [...specs, ...mochaArgs], env, launch, print);
}

/**
 * @param {Print} print
 * @returns {Promise<Outcome>}
 */
async function runWindowsPart(print) {
  const specs = findSpecs('windows', chosenSpecs);
  if (specs.length === 0) return nothing();
  if (!setup.windowsReady) {
    const problem = `The windows part did not run (${specs.length} spec files): ${setup.reason}`;
    const isFailure = onlyPart === 'windows' || Boolean(process.env['CI']);
    return { counts: { passed: 0, failed: Number(isFailure), skipped: 0 }, problem, signal: null };
  }
  const files = windowsStripsTypes(node) ? specs : await compiled(specs);
  print('stdout', `\nwindows part: ${specs.length} spec files on the Windows node.exe\n`);
  const launch = (/** @type {string[]} */ mocha, /** @type {import('./child.mjs').ChildOptions} */ options) =>
    runOnWindowsNode(mocha, { ...options, ...(node !== undefined && { node }) });
  return runMocha('windows', [...files, ...mochaArgs], { IOCP_PAL_REAL: '1' }, launch, print);
}

/** @param {string[]} specs */
async function compiled(specs) {
  await compile();
  return specs.map(compiledCopy);
}

/** @returns {Outcome} */
function nothing() {
  return { counts: { passed: 0, failed: 0, skipped: 0 }, signal: null };
}

function report() {
  for (const { problem } of outcomes) if (problem !== undefined) console.log(`\n${problem}`);
  const failed = sum(outcomes, 'failed');
  const skipped = sum(outcomes, 'skipped');
  console.log(`\n${sum(outcomes, 'passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  const signal = outcomes.find((outcome) => outcome.signal !== null)?.signal;
  process.exitCode = signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : failed > 0 ? 1 : 0;
}

/**
 * Takes --name=value out of the arguments.
 * @param {string} name
 * @param {string[]} [allowed]
 */
function takeOption(name, allowed) {
  const at = args.findIndex((arg) => arg.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  const value = args.splice(at, 1)[0]?.slice(`--${name}=`.length) ?? '';
  if (allowed?.includes(value) === false)
    throw new Error(`Cannot take --${name}=${value}: it is one of ${allowed.join(', ')}`);
  return value;
}

/**
 * Takes --name out of the arguments.
 * @param {string} name
 */
function takeFlag(name) {
  const at = args.indexOf(`--${name}`);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
}
