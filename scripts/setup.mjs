// Installs what is missing: says what it does, and nothing when all is there. Needs Node.js and npm alone.
import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { withLock } from './lock.mjs';
import { install, isInstalled } from './npm/npm-install.mjs';
import { root, winePrefix, wineFolder } from './paths.mjs';
import { areHeadersMissing, installHeaders } from './windows/windows-headers.mjs';
import { folderOfNode, whyNotOnThisWine } from './windows/windows-nodes.mjs';
import { installWine, isPrefixMade, isWineInstalled, makePrefix } from './windows/wine-prefix.mjs';

/** @typedef {{ windowsReady: boolean, reason?: string }} Setup reason: why Windows programs cannot run here, and what to do */

/**
 * @param {{ windows: boolean, node?: string | undefined }} wanted
 *   windows: be able to run the Windows node.exe, on Linux through Wine; node: this one of them, by its major version
 * @returns {Promise<Setup>}
 */
export async function ensureInstalled({ windows, node }) {
  const impossible = windows ? whyNoWindowsHere(node) : undefined;
  const wantsWine = windows && process.platform === 'linux' && impossible === undefined;
  const folders = wantsWine ? foldersFor(node) : [root];
  if (!isReady(wantsWine, folders)) {
    // One lock for all clones of a user: they share the Wine prefix, and apt.
    const lock = path.join(tmpdir(), `iocp-pal-setup-${userInfo().uid}.lock`);
    const reason = await withLock(
      lock,
      () => installMissing(wantsWine, folders),
      () => {
        console.error(`setup: waiting for another setup to end (${lock})`);
      },
    );
    if (reason !== undefined) return { windowsReady: false, reason };
  }
  // Asked again: Wine may have been installed only now.
  const reason = windows ? whyNoWindowsHere(node) : undefined;
  return reason === undefined ? { windowsReady: windows } : { windowsReady: false, reason };
}

/** @param {string | undefined} node */
function whyNoWindowsHere(node) {
  if (process.platform === 'win32') return undefined;
  if (process.platform === 'linux' && process.arch === 'x64') {
    return node !== undefined && isWineInstalled() ? whyNotOnThisWine(node) : undefined;
  }
  return `Windows programs cannot run on ${process.platform} ${process.arch}: use Windows, or Linux on x64 with Wine`;
}

/**
 * What npm installs for Wine. Newer executables have a folder of their own, so that only who asks for one waits for it.
 * @param {string | undefined} node
 */
function foldersFor(node) {
  return [...new Set([root, wineFolder, ...(node === undefined ? [] : [folderOfNode(node)])])];
}

/**
 * @param {boolean} wantsWine
 * @param {string[]} folders
 */
function isReady(wantsWine, folders) {
  return folders.every(isInstalled) && !areHeadersMissing() && (!wantsWine || (isWineInstalled() && isPrefixMade()));
}

/**
 * @param {boolean} wantsWine
 * @param {string[]} folders
 * @returns {Promise<string | undefined>} why Wine cannot be had
 */
async function installMissing(wantsWine, folders) {
  if (!isInstalled(root)) await install(root);
  if (areHeadersMissing()) {
    const reason = await installHeaders();
    if (reason !== undefined) console.error(`setup: ${reason}`); // its test fails, and the rest need not wait for that
  }
  if (!wantsWine) return undefined;
  if (!isWineInstalled()) {
    const reason = await installWine();
    if (reason !== undefined) return reason;
  }
  for (const folder of folders) if (!isInstalled(folder)) await install(folder);
  mkdirSync(path.dirname(winePrefix), { recursive: true });
  return isPrefixMade() ? undefined : makePrefix();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { windowsReady, reason } = await ensureInstalled({ windows: true });
  if (!windowsReady) console.error(`setup: ${reason ?? 'no reason given'}`);
  // On a developer's machine the neutral tests are worth running without Wine; a pipeline must not skip half of them.
  if (!windowsReady && process.env['CI']) process.exitCode = 1;
}
