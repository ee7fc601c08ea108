// The Windows node.exe that Wine runs: which there are, where npm puts them, and which of them this Wine starts.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { newerNodesFolder, wineFolder } from '../paths.mjs';

/** Newer ones do not start on Wine 8. */
export const DEFAULT_NODE = '22';

/** Node 24 and 26 were seen to start on Wine 10, and not on Wine 8. */
const NEWER_NODES_NEED_WINE = 10;

/** @type {Map<string, string>} by major version: the folder with the package.json that names it */
const folders = new Map();
for (const folder of [wineFolder, newerNodesFolder]) {
  const { optionalDependencies } = /** @type {{ optionalDependencies: Record<string, string> }} */ (
    JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  );
  for (const name of Object.keys(optionalDependencies)) {
    if (name.startsWith('node')) folders.set(name.slice('node'.length), folder);
  }
}

/**
 * @param {string} node a major version
 * @returns {string} the folder where `npm ci` installs it
 */
export function folderOfNode(node) {
  const folder = folders.get(node);
  if (folder !== undefined) return folder;
  throw new Error(
    `Cannot run Node ${node} under Wine: there is ${[...folders.keys()].join(', ')}; add it to test/wine/newer/package.json`,
  );
}

/**
 * @param {string} node a major version that is installed
 * @returns {string} its node.exe
 */
export function nodeExe(node) {
  const file = path.join(folderOfNode(node), 'node_modules', `node${node}`, 'bin', 'node.exe');
  if (!existsSync(file)) throw new Error(`Cannot run Node ${node} under Wine: ${file} is missing; run "npm ci" there`);
  return file;
}

/**
 * @param {string} node
 * @param {number} [wine] the major version of Wine
 * @returns {string | undefined} why it would not start, and what to do
 */
export function whyNotOnThisWine(node, wine = wineVersion()) {
  if (folderOfNode(node) !== newerNodesFolder || wine === undefined || wine >= NEWER_NODES_NEED_WINE) return undefined;
  return `Node ${node} does not start on Wine ${wine}: it needs Wine ${NEWER_NODES_NEED_WINE} or newer; run "npm run bed -- trixie --node=${node}"`;
}

/** @returns {number | undefined} the major version of the Wine on the PATH */
export function wineVersion() {
  const { stdout } = spawnSync('wine', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const found = /^wine-(\d+)/.exec(stdout);
  return found === null ? undefined : Number(found[1]);
}
