// Runs npm without a shell: its JavaScript, with this Node.js and a list of arguments.
//
// On Windows npm is npm.cmd, which spawn refuses to start without a shell, and cmd.exe does not read a command line as programs
// do: Node.js writes a quote inside an argument as \", and cmd hands the backslash on.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runChild } from '../child.mjs';

/**
 * @typedef {object} Surroundings
 * @property {string} execPath the Node.js that runs
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.Platform} platform
 * @property {(file: string) => boolean} exists
 */

/**
 * What starts npm. First the npm that has started us, if one has; then the one that came with this Node.js; then PATH.
 * @param {Surroundings} [surroundings]
 * @returns {{ command: string, args: string[] }} the program and its first arguments
 * @throws {Error} on Windows, where there is no npm
 */
export function npmCommand(surroundings = { ...process, exists: existsSync }) {
  const { execPath, env, platform, exists } = surroundings;
  const names = platform === 'win32' ? path.win32 : path.posix;
  const cli = names.join('node_modules', 'npm', 'bin', 'npm-cli.js');
  const folder = names.dirname(execPath);
  const started = env['npm_execpath'] ?? ''; // of yarn and pnpm it is theirs
  const candidates = [
    ...(names.basename(started) === 'npm-cli.js' ? [started] : []),
    names.join(folder, cli),
    names.join(folder, '..', 'lib', cli),
    // Windows calls it Path; process.env finds it under either name.
    ...(env['PATH'] ?? '').split(names.delimiter).map((entry) => names.join(entry, cli)),
  ];
  const found = candidates.find(exists);
  if (found !== undefined) return { command: execPath, args: [found] };
  if (platform !== 'win32') return { command: 'npm', args: [] }; // a program like any other, wherever its JavaScript is
  throw new Error(
    `Cannot run npm: its npm-cli.js is neither beside ${execPath} nor in node_modules of a folder of PATH; ` +
      'install Node.js with npm, or start this through "npm run"',
  );
}

/**
 * @param {string[]} args
 * @param {string} folder where
 * @returns {Promise<import('../child.mjs').ChildResult>} with what it printed
 */
export function runNpm(args, folder) {
  const npm = npmCommand();
  return runChild(npm.command, [...npm.args, ...args], { cwd: folder, stdio: 'pipe' });
}
