/**
 * Waiting in a worker_thread, so that the owner's thread stays free for everything else. gate.ts has the protocol.
 *
 * Lifecycle: the thread starts with the waiter and ends with stop(), or at process exit, where only synchronous steps
 * are possible: set the gate to STOP and interrupt the wait. A thread left in a blocking system call would keep the
 * process from ending, whichever way it ends: neither terminate() nor process.exit() can interrupt it. So the wait is cut
 * into slices of WAIT_SLICE_MS too: the thread ends within one where nobody can interrupt it (terminate() of the thread that
 * owns the PAL).
 */
import process from 'node:process';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { Win32Error } from '../../../ffi/check.ts';
import { koffiFiles } from '../../../ffi/koffi.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import type { PortWaiter, WaiterCallbacks } from '../kernel.ts';
import { CONTROL_WORDS, GATE_PROTOCOL, openGate, stopGate, takeCount, takeWaits, type PollerMessage } from './gate.ts';
import type { PollerData } from './poller-program.ts';
import { pollerThreadOptions } from './thread-options.ts';

/** Milliseconds of one slice of a wait: one wake-up a second on an idle server, and an end within a second. */
export const WAIT_SLICE_MS = 1000;

/** What the waiter is made from. */
export interface WorkerWaiterParts extends WaiterCallbacks {
  /** The poller thread's program: poller-program.ts. */
  program: string;
  /** What the thread gets beside the control block. Handles and addresses are numbers, valid in the whole process. */
  data: object;
  /** Called before each wait, to write the driver's own words of the control block. */
  prepare?: (control: Int32Array) => void;
  /** Makes the system call that the thread may be in return. */
  interrupt: () => void;
}

/** The waiters whose threads live. One listener for all: a process may run many PALs. */
const live = new Set<WorkerWaiter>();

function stopAll(): void {
  for (const waiter of live) waiter.stopNow();
}

/** Throws NetworkError where threads cannot be had: the permission model forbids them, or the process has no room. */
function startThread(program: string, options: WorkerOptions): Worker {
  try {
    return new Worker(program, { ...options, eval: true });
  } catch (error) {
    const { message, permission } = error as Error & { permission?: string };
    const remedy = permission === 'WorkerThreads' ? 'start Node.js with --allow-worker, or take' : 'take';
    throw new NetworkError(
      `Cannot start the thread that waits for the network: ${message}; ${remedy} poller: 'inline'`,
      {
        kind: NetworkErrorCode.InitializationFailed,
        code: 'ERR_POLLER_THREAD',
        cause: error,
      },
    );
  }
}

export class WorkerWaiter implements PortWaiter {
  readonly #parts: WorkerWaiterParts;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT));
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #armed = false;
  #taken = 0;
  #stopping = false;

  constructor(parts: WorkerWaiterParts) {
    this.#parts = parts;
    const common: PollerData = { control: this.#control, gate: GATE_PROTOCOL, koffi: koffiFiles() };
    this.#worker = startThread(parts.program, pollerThreadOptions({ ...parts.data, ...common }));
    if (live.size === 0) process.on('exit', stopAll);
    live.add(this);
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        live.delete(this);
        if (live.size === 0) process.off('exit', stopAll);
        if (!this.#stopping) parts.onFailure(new Error('The poller thread ended by itself'));
        resolve();
      });
    });
    this.#worker.on('message', this.#onMessage);
    this.#worker.on('error', (error: Error) => {
      this.#stopping = true; // 'exit' follows; one report is enough
      parts.onFailure(error);
    });
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    this.#armed = true;
    this.#parts.prepare?.(this.#control);
    openGate(this.#control);
  }

  take(): number {
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
  }

  takeWaits(): number {
    return takeWaits(this.#control);
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  async stop(): Promise<void> {
    this.#worker.ref();
    this.stopNow();
    await this.#exited;
    // What it found after its last doorbell was heard.
    this.#taken += takeCount(this.#control);
    this.#armed = false;
  }

  /** The synchronous half of stop(), for process exit. */
  stopNow(): void {
    this.#stopping = true;
    stopGate(this.#control);
    this.#parts.interrupt();
  }

  readonly #onMessage = (message: PollerMessage): void => {
    this.#armed = false;
    if (message !== null) {
      this.#stopping = true; // the thread ends after this message
      this.#parts.onFailure(new Win32Error(message.syscall, message.systemErrorCode));
      return;
    }
    this.#taken += takeCount(this.#control);
    this.#parts.onReady();
  };
}
