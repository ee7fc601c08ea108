// Wine itself, and a Wine prefix ("the Windows installation") of the project's own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { runChild } from '../child.mjs';
import { installPackages, isOnPath } from '../bed/debian-packages.mjs';
import { winePrefix } from '../paths.mjs';
import { remove } from '../remove.mjs';

export const isWineInstalled = () => isOnPath('wine') && isOnPath('wineserver');

export const isPrefixMade = () => existsSync(path.join(winePrefix, 'system.reg'));

/**
 * What Wine needs on top of the environment.
 * @param {string} prefix
 * @returns {NodeJS.ProcessEnv}
 */
export function wineEnvironment(prefix = winePrefix) {
  return {
    WINEPREFIX: prefix,
    WINEDEBUG: process.env['WINEDEBUG'] ?? '-all',
    WINEDLLOVERRIDES: 'mscoree,mshtml=;winemenubuilder.exe=d', // do not offer to fetch .NET and a browser, no desktop menus
    XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? '/tmp',
  };
}

/** @returns {Promise<string | undefined>} why it cannot be, and what to do */
export async function installWine() {
  return installPackages({ what: 'Wine (8.0 or newer)', program: 'wine', packages: 'wine wine64' });
}

/**
 * Makes the prefix beside its place and renames it there, so that a prefix that exists is always a whole one.
 * @returns {Promise<string | undefined>} why it cannot be, and what to do
 */
export async function makePrefix() {
  if (existsSync(winePrefix) && readdirSync(winePrefix).length > 0) {
    return `${winePrefix} is no Wine prefix, and in the way of one: remove it, or name another folder with WINEPREFIX`;
  }
  console.error(`setup: making a Wine prefix in ${winePrefix}`);
  const draft = `${winePrefix}.draft`;
  const env = { ...process.env, ...wineEnvironment(draft) };
  if (existsSync(draft)) spawnSync('wineserver', ['-k'], { env, stdio: 'ignore' }); // of a setup that was killed
  remove(draft);
  mkdirSync(draft, { recursive: true });
  const commands = [
    ['wine', 'wineboot', '-i'],
    // Wine 8 says it is Windows 7, on which Node.js does not start.
    ['wine', 'reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'],
    ['wine', 'reg', 'add', 'HKCU\\Software\\Wine\\Backends', '/v', 'Graphics', '/d', 'null', '/f'],
    ['wineserver', '-w'], // the registry reaches the disk when the server ends
  ];
  for (const [command = '', ...args] of commands) {
    const { code } = await runChild(command, args, { env, stdio: 'ignore' });
    if (code !== 0)
      return `Wine cannot make a prefix: "${[command, ...args].join(' ')}" exited with ${code} in ${draft}`;
  }
  renameSync(draft, winePrefix); // an empty folder there is replaced
  return undefined;
}

/**
 * Wine's services inherit the standard handles of whoever starts them, and then keep a pipe open for a minute after its last
 * writer is gone: start them first, with all handles on /dev/null. They stay until nothing has used them for 60 s.
 * @param {string} [cpu] the CPU for the wineserver
 */
export function startServices(cpu = steadyCpu()) {
  const options = /** @type {const} */ ({ env: { ...process.env, ...wineEnvironment() }, stdio: 'ignore' });
  const server = ['wineserver', '-p60'];
  const [command = '', ...args] = cpu === undefined ? server : ['taskset', '-c', cpu, ...server];
  const isNew = spawnSync(command, args, options).status === 0; // fails when one is running
  if (isNew) spawnSync('wine', ['wineboot'], options);
}

/**
 * The CPU for the wineserver, and for whatever should be fast beside it: every call of Windows is a round trip to that server,
 * and a round trip between two CPUs takes three times as long as one on the same.
 * @returns {string | undefined} the first CPU we may use, or undefined where programs cannot be tied to one
 */
export function steadyCpu() {
  if (process.platform !== 'linux' || !isOnPath('taskset')) return undefined;
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
}
