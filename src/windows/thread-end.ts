/**
 * The end of the thread that a PAL lives in. V8 then frees what it owns, also what the kernel still uses: it has to be taken back
 * before.
 *
 * The main thread announces its end: process 'exit' comes before anything is freed, whether the process ends by itself, by
 * process.exit() or by an uncaught exception; where it does not come (abort, TerminateProcess) nothing is freed either. A worker
 * thread that is terminated runs no JavaScript any more: there is no way to take anything back, so there the kernel is given nothing of V8's.
 */
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import type { ThreadEnd } from '../platform/platform.ts';

/** One listener for all PALs of the process. It also keeps them reachable, and so what the kernel uses of them. */
const callbacks = new Set<() => void>();

function runAll(): void {
  for (const callback of callbacks) callback();
}

/** A word that nobody changes, to wait on. */
const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** The end of this thread; undefined where it comes without notice. */
export const threadEnd: ThreadEnd | undefined = isMainThread ? { watch, pause } : undefined;

function watch(callback: () => void): () => void {
  if (callbacks.size === 0) process.on('exit', runAll);
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size === 0) process.off('exit', runAll);
  };
}

function pause(): void {
  Atomics.wait(never, 0, 0, 1);
}
