/**
 * Waiting in a worker_thread, so that the owner's thread stays free for everything else. gate.ts has the protocol.
 *
 * Lifecycle: the thread starts with the waiter and ends with stop(), or at process exit, where only synchronous steps
 * are possible: set the gate to STOP and post a WAKE packet. A thread left in GetQueuedCompletionStatusEx would keep
 * the process from ending, whichever way it ends.
 */
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { Win32Error } from '../../../ffi/check.ts';
import type { Kernel32 } from '../../../ffi/kernel32.ts';
import { WAKE_KEY } from '../completion-key.ts';
import type { PortWaiter, WaiterParts } from '../../winsock/kernel.ts';
import { CONTROL_WORDS, COUNT, GATE, OPEN, STOP, type PollerData, type PollerMessage } from './gate.ts';

/** From source (tsx, type stripping) this file ends in .ts, from dist/ in .js; tsc does not rewrite the URL's text. */
const WORKER_URL = new URL(
  import.meta.url.endsWith('.ts') ? './poller-worker.ts' : './poller-worker.js',
  import.meta.url,
);

/** The waiters whose threads live. One listener for all: a process may run many PALs. */
const live = new Set<WorkerWaiter>();

function stopAll(): void {
  for (const waiter of live) waiter.stopNow();
}

export class WorkerWaiter implements PortWaiter {
  readonly #kernel32: Kernel32;
  readonly #parts: WaiterParts;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT));
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #armed = false;
  #taken = 0;
  #stopping = false;

  constructor(kernel32: Kernel32, parts: WaiterParts) {
    this.#kernel32 = kernel32;
    this.#parts = parts;
    const { region, capacity, countAddress } = parts.mailbox;
    const data: PollerData = {
      control: this.#control.buffer,
      port: parts.port,
      entriesAddress: region.address,
      capacity,
      countAddress,
    };
    this.#worker = new Worker(WORKER_URL, { name: 'iocp-pal poller', workerData: data });
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
    Atomics.store(this.#control, GATE, OPEN);
    Atomics.notify(this.#control, GATE);
  }

  take(): number {
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
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
    // What it took after its last doorbell was read.
    this.#taken += Atomics.exchange(this.#control, COUNT, 0);
    this.#armed = false;
  }

  /** The synchronous half of stop(), for process exit. */
  stopNow(): void {
    this.#stopping = true;
    Atomics.store(this.#control, GATE, STOP);
    Atomics.notify(this.#control, GATE);
    this.#kernel32.PostQueuedCompletionStatus(this.#parts.port, 0, WAKE_KEY, 0);
  }

  readonly #onMessage = (message: PollerMessage): void => {
    this.#armed = false;
    if (message !== null) return this.#parts.onFailure(new Win32Error('GetQueuedCompletionStatusEx', message));
    this.#taken += Atomics.exchange(this.#control, COUNT, 0);
    this.#parts.onReady();
  };
}
