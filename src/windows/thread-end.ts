/**
 * The end of the thread that a PAL lives in. V8 then frees what it owns, also what the kernel was lent: it has to be taken back
 * before.
 *
 * The main thread announces its end: process 'exit' comes before anything is freed, whether the process ends by itself, by
 * process.exit() or by an uncaught exception; where it does not come (abort, TerminateProcess) nothing is freed either. A worker
 * thread that is terminated runs no JavaScript any more: there is no way to take anything back, so there nothing is lent.
 */
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { STATUS_PENDING } from '../../ffi/ntstatus.ts';
import type { Driver } from '../context/context.ts';
import type { ThreadEnd } from '../platform/platform.ts';
import type { Operation } from '../memory/operation.ts';

/** Pauses of a millisecond that the end of a process waits for cancelled operations at most; they end within the first. */
const TAKE_BACK_PAUSES = 2000;

/** One listener for all PALs of the process. It also keeps them reachable, and so what they have lent. */
const callbacks = new Set<() => void>();

function runAll(): void {
  for (const callback of callbacks) callback();
}

/** A word that nobody changes, to wait on. */
const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** The end of this thread; undefined where nobody would hear of it. */
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

/**
 * Takes back what V8 owns and the kernel has: cancels those operations and waits until they have ended. Their packets are
 * nobody's any more: that an operation is over is written in its context before, wherever its packet goes.
 */
export function takeBackLoans(driver: Driver): void {
  driver.pinned.stopLending();
  if (!driver.transport.keepsBuffers) return;
  const pending: Operation[] = [];
  for (const operation of driver.operations.pending()) {
    const { lent, owner } = operation;
    if (lent === null || owner === null || !operation.isInKernel) continue;
    pending.push(operation);
  }
  for (let pauses = 0; pauses < TAKE_BACK_PAUSES; pauses++) {
    if (!cancelPending(driver, pending)) return;
    driver.kernel.threadEnd?.pause();
  }
}

/** Cancels those that are not over yet, again and again: a cancel can come too early. Returns false when all are. */
function cancelPending(driver: Driver, operations: readonly Operation[]): boolean {
  const { words } = driver.operations;
  let isAny = false;
  for (const { word, owner, address } of operations) {
    if (words[word] !== STATUS_PENDING || owner === null) continue;
    isAny = true;
    driver.counters.calls.CancelIoEx++;
    driver.kernel.kernel32.CancelIoEx(owner.socket, address);
  }
  return isAny;
}
