// Two slow machines made of this one, for tests that trust a machine to be quick.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { runChild } from '../child.mjs';
import { root } from '../paths.mjs';
import { isOnPath } from './debian-packages.mjs';
import { steadyCpu } from '../windows/wine-prefix.mjs';

const test = path.join(root, 'scripts', 'test.mjs');

/** Burns a CPU until whoever started it is gone, however that came about. */
const BUSY_LOOP = `
  const parent = process.ppid;
  for (;;) {
    const end = Date.now() + 100;
    while (Date.now() < end);
    process.kill(parent, 0); // throws when it is gone
  }`;

/**
 * @param {'busy' | 'one-cpu'} name
 * @param {string[]} args of npm test
 * @returns {Promise<number>} the exit code
 */
export async function main(name, args) {
  return name === 'busy' ? besideBusyLoops(args) : onOneCpu(args);
}

/** @param {string[]} args */
async function besideBusyLoops(args) {
  const loops = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', BUSY_LOOP], { stdio: 'ignore' }),
  );
  console.log(`bed: ${loops.length} busy loops run beside the tests`);
  try {
    // Parts beside each other would be a third busy loop.
    const env = { ...process.env, IOCP_PAL_PARTS: 'one-at-a-time' };
    return (await runChild(process.execPath, [test, ...args], { env })).code;
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
}

/** @param {string[]} args */
async function onOneCpu(args) {
  const cpu = steadyCpu();
  if (cpu === undefined || !isOnPath('taskset')) {
    console.error(
      'Cannot run on one CPU: it needs taskset, which is Linux (on Debian: apt-get update && apt-get install util-linux)',
    );
    return 1;
  }
  console.log(`bed: everything runs on CPU ${cpu}`);
  return (await runChild('taskset', ['-c', cpu, process.execPath, test, ...args])).code;
}
