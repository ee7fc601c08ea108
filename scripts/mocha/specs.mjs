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
 * Shares that take as long as each other: the longest first, each to where least is to be done yet.
 * @param {readonly string[]} specs
 * @param {(spec: string) => number} secondsOf
 * @param {number} count of shares; fewer where there are fewer specs
 * @returns {string[][]}
 */
export function shares(specs, secondsOf, count) {
  const found = Array.from({ length: Math.min(count, specs.length) }, () => ({
    load: 0,
    specs: /** @type {string[]} */ ([]),
  }));
  for (const spec of [...specs].sort((a, b) => secondsOf(b) - secondsOf(a))) {
    const lightest = found.reduce((one, other) => (other.load < one.load ? other : one));
    lightest.specs.push(spec);
    lightest.load += secondsOf(spec);
  }
  return found.map(({ specs: share }) => share.sort());
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
