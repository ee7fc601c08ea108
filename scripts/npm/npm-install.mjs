// `npm ci` in a folder, when what is installed there is not what its lock file says.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { runNpm } from './npm.mjs';
import { whyNotThisNpm } from './npm-version.mjs';
import { newerNodesFolder, wineFolder } from '../paths.mjs';

/**
 * Written after an installation. Names the lock file's contents, and the machine: binaries of one system are of no use to another.
 * @param {string} folder
 */
function stampOf(folder) {
  const lock = readFileSync(path.join(folder, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}\n`;
}

/** @param {string} folder */
const stampFile = (folder) => path.join(folder, 'node_modules', '.iocp-pal-stamp');

/** @param {string} folder */
export function isInstalled(folder) {
  try {
    // npm writes its own record last of all, and removes it first.
    return (
      existsSync(path.join(folder, 'node_modules', '.package-lock.json')) &&
      readFileSync(stampFile(folder), 'utf8') === stampOf(folder)
    );
  } catch {
    return false;
  }
}

/**
 * A developer's own `npm install` leaves no stamp, yet may have installed exactly what the lock says.
 * @param {string} folder
 */
function agreesWithLock(folder) {
  try {
    const wanted = packagesIn(path.join(folder, 'package-lock.json'));
    const present = packagesIn(path.join(folder, 'node_modules', '.package-lock.json'));
    return (
      Object.entries(present).every(([name, { version }]) => wanted[name]?.version === version) &&
      Object.entries(wanted).every(([name, entry]) => name === '' || name in present || !isForHere(entry))
    );
  } catch {
    return false;
  }
}

/** @typedef {{ version?: string, optional?: boolean, os?: string | string[], cpu?: string | string[] }} LockEntry */

/**
 * @param {string} file
 * @returns {Record<string, LockEntry>}
 */
function packagesIn(file) {
  const { packages } = /** @type {{ packages: Record<string, LockEntry> }} */ (JSON.parse(readFileSync(file, 'utf8')));
  return packages;
}

/** @param {LockEntry} entry */
function isForHere({ optional, os = process.platform, cpu = process.arch }) {
  return !optional || ([os].flat().includes(process.platform) && [cpu].flat().includes(process.arch));
}

/**
 * What of the Windows binaries is not there. They are optional, since npm would refuse them on Linux otherwise; and of an
 * optional package that it could not fetch npm says nothing.
 * @param {string} folder
 */
function missingIn(folder) {
  if (!isForWindows(folder)) return [];
  return Object.keys(packagesIn(path.join(folder, 'package-lock.json'))).filter(
    (name) => name !== '' && !existsSync(path.join(folder, name)),
  );
}

/**
 * What is installed there is for Windows, whatever this machine is: its .npmrc says so.
 * @param {string} folder
 */
function isForWindows(folder) {
  return folder === wineFolder || folder === newerNodesFolder;
}

/** @param {string} folder */
export async function install(folder) {
  if (!agreesWithLock(folder) || missingIn(folder).length > 0) {
    if (isForWindows(folder)) await checkNpm(folder);
    console.error(`setup: npm ci in ${folder}`);
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
    const { code, stdout, stderr } = await runNpm(args, folder);
    if (code !== 0) {
      throw new Error(
        `Cannot install ${folder}: "npm ${args.join(' ')}" exited with ${code}; run it there by hand\n${stdout}${stderr}`,
      );
    }
  }
  const missing = missingIn(folder);
  if (missing.length > 0) {
    throw new Error(`Cannot install ${folder}: npm has not fetched ${missing.join(', ')}; run the command again`);
  }
  writeFileSync(stampFile(folder), stampOf(folder));
}

/** @param {string} folder */
async function checkNpm(folder) {
  const { stdout } = await runNpm(['--version'], folder);
  const reason = whyNotThisNpm(stdout.trim());
  if (reason !== undefined) throw new Error(`Cannot install ${folder}: ${reason}`);
}
