/** A scenario in a process of its own, for what ends a process or would hang it. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Buffer } from 'node:buffer';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds from the line 'ending' on its output, or from the signal, to its end. */
  readonly endedAfterMs: number;
}

/** A child that hangs is killed after this, and the test fails. Twenty times what the slowest takes on an idle machine. */
const HANG_MS = 180_000;
/** Something that a child started may hold its pipes open for ever. */
const OUTPUT_AFTER_EXIT_MS = 5000;

/**
 * Runs test/scenarios/children/<name>.ts with arguments. The child prints 'ending' where its end should begin.
 * @param onReady called once, when the child has printed 'ready'
 */
export function runChild(
  name: string,
  args: string[] = [],
  onReady?: (child: ChildProcess) => void,
): Promise<ChildEnd> {
  const script = fileURLToPath(besideTests(`../scenarios/children/${name}`));
  return runNode([script, ...args], { onReady });
}

/** Milliseconds from the beginning of a process's end to its end. A wait that nobody ends takes much more, or all there are. */
export const SOON_MS = 8000;

/** How often a process that ends too late is tried again: a busy machine is late once, a wait that nobody ends always. */
const TRIES = 3;

/** The same, where it must end soon; where it does not, endedAfterMs says so after all tries. */
export async function runPromptly(...args: Parameters<typeof runChild>): Promise<ChildEnd> {
  let end = await runChild(...args);
  for (let tries = 1; tries < TRIES && end.endedAfterMs >= SOON_MS; tries++) end = await runChild(...args);
  return end;
}

/** A test that starts a process, which `check` is given the end of. */
export type ProcessTest<Result> = (
  title: string,
  start: () => Promise<Result>,
  check: (result: Result) => void,
) => void;

/**
 * What a suite defines its tests with when each of them starts a process that waits more than it works: a test has the next
 * one's started as well, where there is a CPU for it.
 */
export function testsInPairs<Result = ChildEnd>(): ProcessTest<Result> {
  const starts: (() => Promise<Result>)[] = [];
  const started = new Map<number, Promise<Result>>();
  const startOnce = (index: number, start: () => Promise<Result>): Promise<Result> => {
    const job = started.get(index) ?? start();
    started.set(index, job);
    job.catch(() => undefined); // its own test is told
    return job;
  };
  // One whose test was not chosen.
  after(() => Promise.allSettled(started.values()));
  return (title, start, check) => {
    const index = starts.push(start) - 1;
    it(title, async () => {
      const job = startOnce(index, start);
      const next = starts[index + 1];
      if (next !== undefined && availableParallelism() > 1) void startOnce(index + 1, next);
      check(await job);
    });
  };
}

/** The URL of a file of ours, without its extension: from source it ends in .ts, from its compiled copy in .js. */
export function besideTests(file: string): URL {
  return new URL(`${file}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
}

/** What a child gets beside its arguments. */
export interface NodeOptions {
  /** In place of this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called once, when the child has printed 'ready'. */
  readonly onReady?: ((child: ChildProcess) => void) | undefined;
}

/** Runs this node with arguments of any kind. The child prints 'ending' where its end should begin. */
export function runNode(args: readonly string[], { env = process.env, onReady }: NodeOptions = {}): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const output = { stdout: '', stderr: '' };
    let endingSince = Date.now();
    let ready = false;
    const note = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
      const before = output[stream];
      output[stream] += chunk.toString();
      if (stream === 'stderr') return;
      if (!before.includes('ending') && output.stdout.includes('ending')) endingSince = Date.now();
      if (!ready && output.stdout.includes('ready')) {
        ready = true;
        endingSince = Date.now();
        onReady?.(child);
      }
    };
    child.stdout.on('data', note('stdout'));
    child.stderr.on('data', note('stderr'));
    const hang = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`node ${args.join(' ')} did not end in ${HANG_MS} ms: ${output.stdout}${output.stderr}`));
    }, HANG_MS);
    child.on('error', (error) => {
      clearTimeout(hang);
      reject(error);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(hang);
      const endedAfterMs = Date.now() - endingSince;
      // What it printed may still be on its way; the pipes close soon after.
      const finish = (): void => {
        // What holds the other end of a pipe would keep this process too.
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, signal, ...output, endedAfterMs });
      };
      const giveUp = setTimeout(finish, OUTPUT_AFTER_EXIT_MS);
      child.on('close', () => {
        clearTimeout(giveUp);
        finish();
      });
    });
  });
}
