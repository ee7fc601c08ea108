/**
 * What a waiter thread is started with: nothing of what its process was started with.
 *
 * By default a worker_thread inherits the process's execArgv, and with it `--require`, `--import` and `--loader`: an agent
 * would instrument the thread as if it were a second process (and open its port twice), and `--input-type` with `--eval`
 * would end it, since it runs a file. NODE_OPTIONS says the same things, and is read again from the environment of a thread
 * that has options of its own. So the thread gets no options, and an environment without NODE_OPTIONS.
 *
 * What concerns the process as a whole (the permission model, V8's flags) holds in the thread nevertheless.
 *
 * Source: https://nodejs.org/api/worker_threads.html#new-workerfilename-options
 */
import process from 'node:process';
import type { WorkerOptions } from 'node:worker_threads';

/** Where require() looks beside node_modules: a koffi that is found through it in the process is found so in the thread. */
const KEPT_VARIABLES = ['NODE_PATH'] as const;

/** Options of `new Worker` for a thread that only waits. @param workerData cloned to the thread */
export function waiterThreadOptions(workerData: object): WorkerOptions {
  return {
    name: 'iocp-pal waiter',
    workerData,
    execArgv: [],
    argv: [],
    env: waiterEnvironment(process.env),
    // It reads nothing, and prints only what ends it.
    stdin: false,
    stdout: false,
    stderr: false,
    // It opens no files.
    trackUnmanagedFds: false,
  };
}

/** The variables that the thread gets, of those of its process. */
function waiterEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // The process has said what there was to say about the same modules.
  const kept: NodeJS.ProcessEnv = { NODE_NO_WARNINGS: '1' };
  for (const name of KEPT_VARIABLES) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
