// One of Node's own test files: which there are, what a file needs, and with which options it is to be run.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/**
 * What a file needs beyond the public API of the module that it tests.
 * @typedef {'public' | 'internals' | 'private fields' | 'pipes' | 'DNS server' | 'child processes'} Kind
 */

/**
 * @typedef {object} TestFile
 * @property {string} name without its extension, such as 'test-net-connect-options-ipv6'
 * @property {string} group the module it is about: 'net', 'http', …
 * @property {string} path
 * @property {Kind} kind
 * @property {string[]} flags node's options
 */

/** The modules whose tests can be run. */
export const GROUPS = ['net', 'http', 'https', 'tls', 'http2', 'dgram'];

/** Asked in this order: the first that the file's text shows. */
const KINDS = /** @type {const} */ ([
  ['internals', /--expose[-_]internals|internalBinding|require\('internal\//],
  ['pipes', /common\.PIPE|new Pipe\(/],
  ['DNS server', /common\/dns'/],
  ['child processes', /child_process|require\('cluster'\)/],
  // Two underscored names are public habits: a socket's `_connecting`, deprecated and documented, and a stream's state.
  ['private fields', /\._(?!connecting\b|writableState\b|readableState\b)[a-zA-Z]\w*/],
]);

/**
 * @param {string} checkout a folder with Node's test/parallel
 * @param {readonly string[]} groups
 * @returns {TestFile[]}
 */
export function findTestFiles(checkout, groups) {
  const folder = path.join(checkout, 'test', 'parallel');
  return readdirSync(folder)
    .filter((file) => /\.m?js$/.test(file))
    .map((file) => ({ file, group: /^test-([a-z0-9]+)[-.]/.exec(file)?.[1] ?? '' }))
    .filter(({ group }) => groups.includes(group))
    .sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || (a.file < b.file ? -1 : 1))
    .map(({ file, group }) => {
      const text = readFileSync(path.join(folder, file), 'utf8');
      const name = file.replace(/\.m?js$/, '');
      return { name, group, path: path.join(folder, file), kind: kindOf(text), flags: flagsOf(text) };
    });
}

/**
 * @param {string} text of a file
 * @returns {Kind}
 */
export function kindOf(text) {
  return KINDS.find(([, shown]) => shown.test(text))?.[0] ?? 'public';
}

/**
 * The line "// Flags: --expose-gc", as Node's own runner reads it.
 * @param {string} text of a file
 */
export function flagsOf(text) {
  const lines = [...text.matchAll(/^\/\/ Flags:(.*)$/gm)];
  return lines.flatMap(([, flags]) => (flags ?? '').split(/\s+/).filter(Boolean));
}
