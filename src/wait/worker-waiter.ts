/**
 * Waiting in a worker_thread: thread-waiter.ts over a real one.
 *
 * Lifecycle: the thread starts with the waiter and ends with stop(), or at process exit, where only synchronous steps
 * are possible: set the permit to STOP and interrupt the wait. A thread left in a blocking system call would keep the
 * process from ending, whichever way it ends: neither terminate() nor process.exit() can interrupt it. So the wait is cut
 * into slices of WAIT_SLICE_MS too: the thread ends within one where nobody can interrupt it (terminate() of the thread that
 * owns the PAL).
 */
import process from 'node:process';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { koffiFiles } from '../../ffi/koffi.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { PortWaiter, WorkerWaiterParts } from '../platform/platform.ts';
import { PERMIT_PROTOCOL, type WaiterMessage } from './wait-permit.ts';
import { InlineWaiter } from './inline-waiter.ts';
import type { WaiterData } from './waiter-program.ts';
import { waiterThreadOptions } from './thread-options.ts';
import { ThreadWaiter, type WaiterListener, type WaiterThread } from './thread-waiter.ts';

/** The code of the warning that a waiter thread was lost. */
const WAITER_LOST = 'IOCP_PAL_WAITER_LOST';

/** The waiters whose threads live. One listener for all: a process may run many PALs. */
const live = new Set<ThreadWaiter>();

function stopAll(): void {
  for (const waiter of live) waiter.stopAtExit();
}

/** Throws NetworkError where threads cannot be had: the permission model forbids them, or the process has no room. */
function startThread(program: string, options: WorkerOptions): Worker {
  try {
    return new Worker(program, { ...options, eval: true });
  } catch (error) {
    const { message, permission } = error as Error & { permission?: string };
    const remedy = permission === 'WorkerThreads' ? 'start Node.js with --allow-worker, or take' : 'take';
    throw new NetworkError(
      `Cannot start the thread that waits for the network: ${message}; ${remedy} waiter: 'inline'`,
      { kind: NetworkErrorCode.InitializationFailed, code: 'ERR_WAITER_THREAD', cause: error },
    );
  }
}

function watch(waiter: ThreadWaiter): void {
  if (live.size === 0) process.on('exit', stopAll);
  live.add(waiter);
}

function unwatch(waiter: ThreadWaiter): void {
  if (live.delete(waiter) && live.size === 0) process.off('exit', stopAll);
}

/** A waiter whose waits run in a worker_thread, and on this thread where there is none. */
export function createWorkerWaiter(parts: WorkerWaiterParts): PortWaiter {
  const { prepare, interrupt, pollOnce, recover, onReady, onFailure } = parts;
  const waiter = new ThreadWaiter({
    start(control, listener) {
      return startWorker(parts, control, {
        message: (message) => listener.message(message),
        ended: (error) => {
          unwatch(waiter);
          listener.ended(error);
        },
      });
    },
    ...(prepare === undefined ? {} : { prepare }),
    interrupt,
    substitute: (callbacks) => new InlineWaiter({ waitOnce: pollOnce, blocks: false, ...callbacks }),
    recover,
    onLost: warn,
    onReady,
    onFailure,
  });
  watch(waiter);
  return waiter;
}

function startWorker(parts: WorkerWaiterParts, control: Int32Array, listener: WaiterListener): WaiterThread {
  const common: WaiterData = { control, protocol: PERMIT_PROTOCOL, koffi: koffiFiles() };
  const worker = startThread(parts.program, waiterThreadOptions({ ...parts.data, ...common }));
  let failure: Error | null = null;
  worker.on('message', (message: WaiterMessage) => listener.message(message));
  worker.on('error', (error: Error) => (failure = error)); // 'exit' follows
  worker.once('exit', (code) => {
    listener.ended(failure ?? (code === 0 ? null : new Error(`It was ended from outside, exit code ${code}`)));
  });
  return worker;
}

/** Says once for each thread that its PAL goes on without it, and what that costs. */
function warn(error: Error): void {
  process.emitWarning(
    `A waiter thread of iocp-pal was lost: ${error.message}. Its event loop goes on, and looks for events from its ` +
      'own thread from now on: they are noticed some milliseconds later, and an idle loop costs some CPU. ' +
      'See what ends worker threads in this process, or choose waiter: "inline"',
    { code: WAITER_LOST, detail: error.stack ?? '' },
  );
}
