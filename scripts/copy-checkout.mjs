// A copy of this checkout, as it is in the work tree: what git knows, and what it does not ignore.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';
import { remove } from './remove.mjs';

/** What the copy has of its own. */
const KEPT = ['node_modules', '.build'];

/** @param {string} folder where the copy is, or will be; what npm installed there stays */
export function copyCheckout(folder) {
  mkdirSync(folder, { recursive: true });
  clear(folder);
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  for (const file of stdout.split('\0')) {
    const from = path.join(root, file);
    if (file !== '' && existsSync(from)) cpSync(from, path.join(folder, file), { preserveTimestamps: true });
  }
}

/** @param {string} folder */
function clear(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (KEPT.includes(entry.name)) continue;
    const inside = path.join(folder, entry.name);
    if (entry.isDirectory()) clear(inside);
    else remove(inside);
  }
}
