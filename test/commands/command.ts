/** A command of this repository, run as it is typed: its output, its input, Ctrl+C, and how it ends. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { root } from '../../scripts/paths.mjs';

/** An example with two threads took 25 s to start on a machine eight times as busy as it should be. Beyond this it hangs. */
const HANG_MS = 180_000;
/** For mocha: the command's own end comes first, and says more. */
export const COMMAND_TIMEOUT_MS = 2 * HANG_MS;

/** How a command has ended. */
export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Command {
  /** Resolves once its output matches; rejects when it ends, or hangs, without. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  /** Writes to its input. */
  type(text: string): void;
  /** Ends its input, as Ctrl+Z or the end of a pipe does. */
  endInput(): void;
  /** Ctrl+C. Not on Windows, where no process can send that to one alone. */
  interrupt(): void;
  readonly ended: Promise<CommandEnd>;
}

/** Runs one of the commands under scripts/ with arguments. */
export function startCommand(runner: string, args: readonly string[]): Command {
  return start([path.join('scripts', runner), ...args]);
}

/** Runs a program of the repository on this Node.js, as it stands. */
export function startHere(file: string, args: readonly string[]): Command {
  return start([...process.execArgv, file, ...args]); // with what lets this process run TypeScript
}

function start(args: readonly string[]): Command {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'pipe' });
  child.stdin.on('error', () => undefined); // it has ended before it read all
  const output = { stdout: '', stderr: '' };
  const lookers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk) => {
      output[name] += String(chunk).replaceAll('\r', '');
      for (const look of lookers) look();
    });
  }
  let over = false;
  const ended = new Promise<CommandEnd>((resolve, reject) => {
    const hang = setTimeout(() => {
      child.kill('SIGTERM'); // which it passes on
      reject(new Error(`${args.join(' ')} does not end; it printed\n${output.stdout}${output.stderr}`));
    }, HANG_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(hang);
      over = true;
      resolve({ code, ...output });
      for (const look of lookers) look();
    });
  });
  ended.catch(() => undefined); // whoever waits for it is told
  return {
    prints: (pattern) =>
      Promise.race([
        new Promise<RegExpExecArray>((resolve, reject) => {
          const look = (): void => {
            const found = pattern.exec(output.stdout);
            if (found === null && !over) return;
            lookers.delete(look);
            if (found !== null) resolve(found);
            else reject(new Error(`It ended without ${String(pattern)}:\n${output.stdout}${output.stderr}`));
          };
          lookers.add(look);
          look();
        }),
        ended.then(() => new Promise<never>(() => undefined)), // rejects when it hangs
      ]),
    type: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    interrupt: () => void child.kill('SIGINT'),
    ended,
  };
}
