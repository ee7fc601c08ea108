/**
 * Waiting in a worker_thread, so that the owner's thread stays free for everything else. gate.ts has the protocol.
 *
 * Lifecycle: the thread starts with the waiter and ends with stop(), or at process exit, where only synchronous steps
 * are possible: set the gate to STOP and interrupt the wait. A thread left in a blocking system call would keep the
 * process from ending, whichever way it ends: neither terminate() nor process.exit() can interrupt it.
 */
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { Win32Error } from '../../../ffi/check.ts';
import type { PortWaiter, WaiterCallbacks } from '../kernel.ts';
import { CONTROL_WORDS, openGate, stopGate, takeCount, takeWaits, type PollerMessage } from './gate.ts';
import { pollerThreadOptions } from './thread-options.ts';

/** What the waiter is made from. */
export interface WorkerWaiterParts extends WaiterCallbacks {
  /** The poller thread's module, without its extension, as an absolute URL. */
  module: URL;
  /** What the thread gets beside the control block. Handles and addresses are numbers, valid in the whole process. */
  data: object;
  /** Called before each wait, to write the driver's own words of the control block. */
  prepare?: (control: Int32Array) => void;
  /** Makes the system call that the thread may be in return. */
  interrupt: () => void;
}

/** What every poller thread is started with. */
export interface PollerData {
  control: Int32Array;
}

/** The waiters whose threads live. One listener for all: a process may run many PALs. */
const live = new Set<WorkerWaiter>();

function stopAll(): void {
  for (const waiter of live) waiter.stopNow();
}

/** From source (tsx, type stripping) files end in .ts, from dist/ in .js; tsc does not rewrite the text of a URL. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

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
    const data = { ...parts.data, control: this.#control } satisfies PollerData;
    this.#worker = new Worker(new URL(parts.module.href + EXTENSION), pollerThreadOptions(data));
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
