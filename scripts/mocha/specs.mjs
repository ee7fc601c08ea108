// Which spec files there are, and which part of the tests they belong to.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from '../paths.mjs';

/** @typedef {'neutral' | 'windows' | 'package'} Part */

/**
 * @param {Part} part
 * @param {string[]} chosen files or folders; none: all
 * @returns {string[]} relative to the repository, with forward slashes
 */
export function findSpecs(part, chosen) {
  const wanted = chosen.map((file) => slashes(path.relative(root, path.resolve(file))));
  return readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${slashes(file)}`)
    .filter((file) => file.endsWith('.test.ts') && !file.includes('/node_modules/'))
    .filter((file) => partsOf(file).includes(part))
    .filter((file) => wanted.length === 0 || wanted.some((one) => file === one || file.startsWith(`${one}/`)))
    .sort();
}

/**
 * Two halves that take as long as each other: the longest first, each to where less is to be done yet.
 * @param {readonly string[]} specs
 * @param {(spec: string) => number} secondsOf
 * @returns {[string[], string[]]}
 */
export function halves(specs, secondsOf) {
  /** @type {[string[], string[]]} */
  const found = [[], []];
  const loads = [0, 0];
  for (const spec of [...specs].sort((a, b) => secondsOf(b) - secondsOf(a))) {
    const lighter = /** @type {0 | 1} */ (Number((loads[1] ?? 0) < (loads[0] ?? 0)));
    found[lighter].push(spec);
    loads[lighter] = (loads[lighter] ?? 0) + secondsOf(spec);
  }
  found[0].sort();
  found[1].sort();
  return found;
}

/**
 * @param {string} file
 * @returns {Part[]}
 */
function partsOf(file) {
  if (file.endsWith('.windows.test.ts')) return ['windows'];
  // The tarball, as its users get it, and the commands of this repository, as they are typed: both start node.exe themselves.
  if (file.startsWith('test/package/') || file.startsWith('test/commands/')) return ['package'];
  // What every implementation must do: asked of the simulation, and of Windows.
  if (/^test\/(conformance|net|dgram|http|promises)\//.test(file)) return ['neutral', 'windows'];
  return ['neutral'];
}

/**
 * Only what lies under test/ can be meant: anything else may be the value of one of mocha's options.
 * @param {string} arg
 */
export const isSpecOrFolder = (arg) => /^(\.?[\\/])?test[\\/]/.test(arg);

/** @param {string} file */
const slashes = (file) => file.replaceAll(path.sep, '/');
