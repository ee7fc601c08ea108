// npm run wine -- [--node=22] script.ts args…: runs a script on the Windows node.exe, on Linux through Wine. USAGE has more.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runChild } from './child.mjs';
import { compile, compiledCopy, isTypeScript } from './compile.mjs';
import { openConsole } from './windows/console.mjs';
import { wineFolder } from './paths.mjs';
import { ensureInstalled } from './setup.mjs';
import { startServices, wineEnvironment } from './windows/wine-prefix.mjs';
import { DEFAULT_NODE, nodeExe } from './windows/windows-nodes.mjs';

const onWindows = process.platform === 'win32';

const USAGE = `npm run wine -- [--node=VERSION] [node's options] script [arguments]

Runs a script, TypeScript or JavaScript, on the Windows node.exe: under Windows the one that runs this, under Linux one of those
in test/wine, through Wine.

  --node=VERSION   under Wine: which node.exe, by its major version (${DEFAULT_NODE}; 24 and 26 need Wine 10)

What is typed or piped in is the script's input. Ctrl+C is a SIGINT event there, and ends a script that does not listen for it.
Exit code: the script's; 130 when Ctrl+C has ended it; 2 without a script; 1 when nothing can be run here.`;

/**
 * @typedef {object} WindowsNode
 * @property {string} [node] under Wine: which of the node.exe in test/wine; on Windows the node that runs us is taken
 * @property {string} [program] another Windows program to run instead, by its file
 * @property {string} [taskset] the CPUs to stay on, such as '0' or '0,1' (Linux only)
 * @property {boolean} [console] hands on our input and our Ctrl+C, as a console would
 */

/** Can this node.js, the one that runs us, run TypeScript without help? */
export const hostStripsTypes = 'typescript' in process.features && Boolean(process.features.typescript);

/** Its options for a program in TypeScript. */
export const hostOptions = hostStripsTypes
  ? ['--disable-warning=ExperimentalWarning']
  : [`--import=${new URL('types/register.mjs', import.meta.url).href}`];

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
export async function runOnWindowsNode(
  args,
  { node = DEFAULT_NODE, program, taskset, console: withConsole, ...options } = {},
) {
  const script = args.findIndex(isTypeScript);
  if (program === undefined && script >= 0 && !windowsStripsTypes(node)) {
    await compile();
    args = args.with(script, compiledCopy(args[script] ?? ''));
  }
  const env = nodeEnvironment({ ...process.env, ...options.env }, windowsStripsTypes(node));
  if (withConsole) options = { ...options, stdin: 'inherit' };
  if (onWindows) return runChild(program ?? process.execPath, args, { ...options, env });

  startServices(taskset);
  const [command, ...rest] = [
    ...(taskset === undefined ? [] : ['taskset', '-c', taskset]),
    'wine',
    program ?? nodeExe(node),
    ...args,
  ];
  const wineEnv = { ...underWine(env), ...wineEnvironment() };
  if (!withConsole) return runChild(command ?? '', rest, { ...options, env: wineEnv });
  const { env: consoleEnv, interrupt, close } = await openConsole();
  try {
    return await runChild(command ?? '', rest, { ...options, interrupt, env: { ...wineEnv, ...consoleEnv } });
  } finally {
    close();
  }
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
  const [first, ...others] = args;
  const node = first?.startsWith('--node=') ? first.slice('--node='.length) : undefined;
  const rest = node === undefined ? args : others;
  if (rest.length === 0 || rest[0] === '--help' || rest[0] === '-h') {
    console[rest.length === 0 ? 'error' : 'log'](USAGE);
    return rest.length === 0 ? 2 : 0;
  }
  try {
    const { windowsReady, reason } = await ensureInstalled({ windows: true, node });
    if (!windowsReady) {
      console.error(reason);
      return 1;
    }
    const { code } = await runOnWindowsNode(rest, { ...options, console: true, ...(node !== undefined && { node }) });
    return code;
  } catch (error) {
    // No such node.exe, or a file that cannot be compiled: the message says it all.
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main(process.argv.slice(2));
