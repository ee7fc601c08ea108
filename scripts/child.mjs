// Runs a child process to its end: live output, exact exit code, signals passed on, and a kill that takes the whole tree.
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { print as printNow } from './mocha/lanes.mjs';

/**
 * @typedef {object} ChildOptions
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [cwd]
 * @property {'inherit' | 'ignore' | 'pipe'} [stdio] stdout and stderr: shown live (inherit, the default), dropped, or captured
 * @property {'ignore' | 'inherit'} [stdin] nothing to read (ignore, the default), or what we have
 * @property {() => Promise<'heard' | 'nobody' | 'stuck'>} [interrupt] tells the child of a SIGINT in another way than by a
 *   signal, and how that went: unless it was heard, the child is to be ended
 * @property {() => void} [onOutput] called whenever the child prints
 * @property {import('./mocha/lanes.mjs').Print} [print] shows it, with stdio 'inherit'; our own stdout and stderr when not given
 * @property {AbortSignal} [abort] kills the child and all that it started
 */

/**
 * @typedef {object} ChildResult
 * @property {number} code the exit code; 128 + the signal's number when a signal ended it
 * @property {NodeJS.Signals | null} signal what ended the child, or what it was sent through us
 * @property {string} stdout what it printed, with stdio 'pipe' alone
 * @property {string} stderr
 */

const onWindows = process.platform === 'win32';

/** What may still arrive after the exit: something the child started can hold the pipe open for ever. */
const QUIET_AFTER_EXIT_MS = 1000;

/** A SIGTERM or SIGHUP that has not ended the child within this was not enough: a busy node.exe under Wine does not mind it. */
const ENDS_MS = 5000;

/**
 * Exit codes of a process that an interrupt has ended: Windows' STATUS_CONTROL_C_EXIT, that one cut to 8 bits, and under Wine 8
 * nothing at all. On Windows a 0 is that of a process which has heard the Ctrl+C, and ended by itself.
 */
const INTERRUPTED_CODES = [0xc000013a, 0x3a, ...(onWindows ? [] : [0])];

// Whoever read our output is gone (`| head`): end, and take the child along.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(1));

/**
 * @param {string} command
 * @param {string[]} args
 * @param {ChildOptions} [options]
 * @returns {Promise<ChildResult>}
 */
export function runChild(command, args, options = {}) {
  const { env, cwd, stdio = 'inherit', stdin = 'ignore', interrupt, onOutput, print = printNow, abort } = options;
  return new Promise((resolve, reject) => {
    // Never a terminal (but for stdin on Windows): node.exe crashes under Wine when a standard handle is one. So pipes, copied by us.
    // detached makes a process group of its own, so that one kill reaches all of it, and Ctrl-C arrives once, from us.
    const child = spawn(command, args, {
      ...(env && { env }),
      ...(cwd !== undefined && { cwd }),
      stdio: [stdin === 'inherit' && (onWindows || !isatty(0)) ? 'inherit' : 'ignore', 'pipe', 'pipe'],
      detached: !onWindows,
    });
    /** @type {{ stdout: Buffer[], stderr: Buffer[] }} */
    const captured = { stdout: [], stderr: [] };
    /** @type {NodeJS.Signals | null} */
    let passedOn = null;
    /** @type {NodeJS.Timeout | undefined} */
    let ending;

    /** @param {NodeJS.Signals} signal */
    const kill = (signal) => {
      if (child.pid !== undefined) killTree(child.pid, signal);
    };
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      passedOn = signal;
      // A Windows console interrupts all of its processes itself: there we only have to outlive the child.
      if (!onWindows || signal !== 'SIGINT') kill(signal);
    };
    /** @param {NodeJS.Signals} signal */
    const onSignal = (signal) => {
      if (interrupt === undefined || signal !== 'SIGINT') {
        passOn(signal);
        if (signal !== 'SIGINT') ending ??= setTimeout(kill, ENDS_MS, 'SIGKILL');
        return;
      }
      void interrupt().then((outcome) => {
        if (outcome === 'heard') return; // it ends as it likes
        passOn(signal);
        if (outcome === 'stuck') kill('SIGKILL');
      });
    };
    const onAbort = () => {
      kill('SIGKILL');
    };
    const onOurExit = onAbort;
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) process.on(signal, onSignal);
    process.on('exit', onOurExit);
    abort?.addEventListener('abort', onAbort);
    const detach = () => {
      clearTimeout(ending);
      for (const signal of signals) process.off(signal, onSignal);
      process.off('exit', onOurExit);
      abort?.removeEventListener('abort', onAbort);
    };

    for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
      child[name].on('data', (/** @type {Buffer} */ chunk) => {
        onOutput?.();
        if (stdio === 'pipe') captured[name].push(chunk);
        else if (stdio === 'inherit') print(name, chunk);
      });
    }

    child.on('error', (error) => {
      detach();
      reject(error);
    });
    child.on('exit', (code, signal) => {
      detach();
      const interrupted = passedOn === 'SIGINT' && (signal === 'SIGKILL' || INTERRUPTED_CODES.includes(code ?? 0));
      const endedBy = interrupted ? 'SIGINT' : signal;
      const exitCode = endedBy ? 128 + constants.signals[endedBy] : (code ?? 1);
      const finish = () => {
        child.stdout.destroy();
        child.stderr.destroy();
        const [out, err] = [captured.stdout, captured.stderr].map((chunks) => Buffer.concat(chunks).toString());
        resolve({ code: exitCode, signal: endedBy ?? passedOn, stdout: out ?? '', stderr: err ?? '' });
      };
      const timer = setTimeout(finish, QUIET_AFTER_EXIT_MS);
      for (const stream of [child.stdout, child.stderr]) stream.on('data', () => timer.refresh());
      child.on('close', () => {
        clearTimeout(timer);
        finish();
      });
    });
    if (abort?.aborted) onAbort();
  });
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
function killTree(pid, signal) {
  if (onWindows) {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-pid, signal); // the group: the child and all that it started
  } catch {
    // It has ended already.
  }
}
