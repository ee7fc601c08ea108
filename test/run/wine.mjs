// npm run wine -- [--node=22] script.ts args…: runs a script on the Windows node.exe, on Linux through Wine.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runChild } from './child.mjs';
import { compile, compiledCopy, isTypeScript } from './compile.mjs';
import { wineFolder } from './paths.mjs';
import { ensureInstalled } from './setup.mjs';
import { startServices, wineEnvironment } from './wine-prefix.mjs';

const onWindows = process.platform === 'win32';

/** Newer ones do not start on Wine 8. */
const DEFAULT_NODE = '22';

/**
 * @typedef {object} WindowsNode
 * @property {string} [node] under Wine: which of the node.exe in test/wine; on Windows the node that runs us is taken
 * @property {string} [program] another Windows program to run instead, by its file
 * @property {string} [taskset] the CPUs to stay on, such as '0' or '0,1' (Linux only)
 */

/** Can this node.js, the one that runs us, run TypeScript without help? */
export const hostStripsTypes = 'typescript' in process.features && Boolean(process.features.typescript);

/**
 * The same of the Windows node.exe. Of those in test/wine, 22 and newer can; of 20 no release does.
 * @param {string | undefined} node
 */
export const windowsStripsTypes = (node = DEFAULT_NODE) => (onWindows ? hostStripsTypes : Number(node) >= 22);

/**
 * Runs node.exe. Call ensureInstalled({ windows: true }) first. The first .ts argument is compiled where this node needs that.
 * @param {string[]} args node's own options, the script, and its arguments
 * @param {WindowsNode & import('./child.mjs').ChildOptions} [options]
 */
export async function runOnWindowsNode(args, { node = DEFAULT_NODE, program, taskset, ...options } = {}) {
  const script = args.findIndex(isTypeScript);
  if (program === undefined && script >= 0 && !windowsStripsTypes(node)) {
    await compile();
    args = args.with(script, compiledCopy(args[script] ?? ''));
  }
  const env = nodeEnvironment({ ...process.env, ...options.env }, windowsStripsTypes(node));
  if (onWindows) return runChild(program ?? process.execPath, args, { ...options, env });

  startServices(taskset);
  const [command, ...rest] = [
    ...(taskset === undefined ? [] : ['taskset', '-c', taskset]),
    'wine',
    program ?? nodeExe(node),
    ...args,
  ];
  return runChild(command ?? '', rest, { ...options, env: { ...underWine(env), ...wineEnvironment() } });
}

/** @param {string} node */
function nodeExe(node) {
  const file = path.join(wineFolder, 'node_modules', `node${node}`, 'bin', 'node.exe');
  if (existsSync(file)) return file;
  const present = readdirSync(path.join(wineFolder, 'node_modules')).filter((name) => name.startsWith('node'));
  throw new Error(
    `Cannot run Node ${node} under Wine: there is ${present.join(', ')}; add it to test/wine/package.json`,
  );
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {boolean} stripsTypes
 * @returns {NodeJS.ProcessEnv}
 */
function nodeEnvironment(env, stripsTypes) {
  // Node 22 warns that type stripping is experimental, at every start. Compiled code needs its maps for readable stacks.
  const option = stripsTypes ? '--disable-warning=ExperimentalWarning' : '--enable-source-maps';
  // node.exe prints into a pipe, yet takes it for a console that shows colours.
  const colours = process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined };
  return { ...env, ...colours, NODE_OPTIONS: `${option} ${env['NODE_OPTIONS'] ?? ''}` };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function underWine(env) {
  // Wine shows the whole of Linux as drive Z. Forward slashes: in NODE_OPTIONS a backslash is an escape.
  const preload = `Z:${path.join(wineFolder, 'stdio.cjs')}`;
  return {
    ...env,
    NODE_OPTIONS: `--require "${preload}" ${env['NODE_OPTIONS'] ?? ''}`,
    NODE_PATH: `Z:${path.join(wineFolder, 'node_modules')}`, // where koffi finds its Windows binary
  };
}

/**
 * The command line of `npm run wine` and `npm start`.
 * @param {string[]} args
 * @param {Pick<WindowsNode, 'taskset'>} [options]
 * @returns {Promise<number>} the exit code
 */
export async function main(args, options = {}) {
  const [first, ...rest] = args;
  const node = first?.startsWith('--node=') ? first.slice('--node='.length) : undefined;
  const { windowsReady, reason } = await ensureInstalled({ windows: true });
  if (!windowsReady) {
    console.error(reason);
    return 1;
  }
  const { code } = await (node === undefined
    ? runOnWindowsNode(args, options)
    : runOnWindowsNode(rest, { ...options, node }));
  return code;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main(process.argv.slice(2));
