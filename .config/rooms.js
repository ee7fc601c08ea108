// The rooms of src/ in their order: a room imports only from those before it, from ffi/ and from src/pal. docs/design.md says what
// each is for, and test/scripts/rooms.test.ts compares the two.
import { readdirSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** @typedef {{ folder: string, only?: readonly string[] }} Room `only`: the rooms before it that it may import, where those are not all */

/** What the simulation takes from the library: words, sizes, and what a waiter is. It must not test the library with the library. */
const FOR_SIMULATION = ['pal', 'util', 'iocp', 'platform', 'memory', 'wait'];
/** What a backend with an entry of its own takes: not the PAL, of which it would bring a copy. */
const FOR_BACKEND = ['pal', 'platform', 'memory', 'wait', 'loop', 'context', 'sockets'];
/** What a face of the library takes, on top of the public calls: their words, and Node's timers. */
const FOR_FACE = ['pal', 'platform', '.'];
/** The promises check their arguments as the public calls do, cut lists as iocp-pal/net does, and load that when somebody asks for a Socket. */
const FOR_PROMISES = [...FOR_FACE, 'util', 'proxy-protocol', 'net', 'promises/sockets'];
const SIMULATION = ['sim/schedule', 'sim/machine', 'sim/memory', 'sim/kernel', 'sim/win32', 'sim/wait', 'sim'];

/** @type {readonly Room[]} '.' is src/index.ts */
export const rooms = [
  'pal',
  'util',
  'proxy-protocol',
  'iocp',
  'platform',
  'memory',
  'wait',
  'windows',
  'loop',
  'remote',
  'context',
  'sockets',
  'tcp/connection',
  'tcp',
  'tcp/by-name',
  'tcp/send-file',
  'tcp/accept',
  'tcp/transfer',
  'tcp/server',
  'tcp/readiness',
  'udp',
  'overlapped',
  'runtime',
  'api',
  'helpers',
  '.',
  'node-shape',
  'net',
  'dgram',
  'http',
  'register',
  'promises/sockets',
  'promises',
  'wsapoll',
  ...SIMULATION,
  'simulation',
  'doctor/steps',
  'doctor',
].map((folder) => {
  if (folder.startsWith('promises')) return { folder, only: FOR_PROMISES };
  if (folder === 'wsapoll') return { folder, only: FOR_BACKEND };
  if (folder === 'node-shape') return { folder, only: [...FOR_FACE, 'proxy-protocol'] };
  if (folder === 'net' || folder === 'dgram') return { folder, only: [...FOR_FACE, 'node-shape'] };
  if (folder === 'http' || folder === 'register')
    return { folder, only: ['platform', 'node-shape', 'net', 'dgram', 'http'] };
  if (folder === 'simulation') return { folder, only: [...FOR_PROMISES, 'promises', 'sim'] };
  return folder.startsWith('sim') ? { folder, only: [...FOR_SIMULATION, ...SIMULATION] } : { folder };
});

/**
 * @param {string} folder
 * @returns {string[]}
 */
function foldersBelow(folder) {
  return readdirSync(path.join(root, 'src', folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const below = path.posix.join(folder, entry.name);
      return [below, ...foldersBelow(below)];
    });
}

/**
 * One configuration of ESLint for each room.
 * @returns {import('eslint').Linter.Config[]}
 */
export function importRules() {
  const unknown = foldersBelow('.').filter((folder) => !rooms.some((room) => room.folder === folder));
  if (unknown.length > 0)
    throw new Error(`.config/rooms.js does not say which rooms ${unknown.join(', ')} may import from`);
  return rooms.map(({ folder, only }, place) => {
    const refused = rooms.filter((other, at) => at > place || (at < place && only?.includes(other.folder) === false));
    const patterns = refused.map((other) => {
      const between = path.posix.relative(path.posix.join('src', folder), path.posix.join('src', other.folder));
      const relative = between.startsWith('.') ? between : `./${between}`;
      return {
        regex: `^${relative.replaceAll('.', '\\.')}/[^/]+$`,
        message: `src/${folder} does not import from src/${other.folder}: see the rooms in docs/design.md.`,
        // A context names what it holds: it is the one place where types of later rooms meet. In the simulation a machine does.
        allowTypeImports: folder === 'context' || (folder === 'sim/machine' && other.folder.startsWith('sim/')),
      };
    });
    return {
      files: [path.posix.join('src', folder, '*.ts')],
      rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
    };
  });
}
