/**
 * Accepting on a listening socket that another process has tied to its port (importServer).
 *
 * A socket has one port, whichever process it is in, and the packets of every handle of it go there: those of an AcceptEx of
 * ours would land in the other process, with a pointer that means nothing to it. An OVERLAPPED whose hEvent has its lowest
 * bit set asks for the event instead of a packet. So:
 *
 *   AcceptEx, hEvent = event | 1 ──► event ──► a thread that waits for it ──► settle(): whose status is not pending any more
 *
 * One event and one thread for all such sockets of a loop, made when the first comes. An accept is found by its status and not by a
 * count of signals: the event is an auto-reset one, and two accepts may signal it once.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/ioapiset/nf-ioapiset-getqueuedcompletionstatus ("Remarks")
 */
import { checkBool, checkHandle } from '../../ffi/check.ts';
import { OVERLAPPED } from '../../ffi/layouts.ts';
import { ntStatusToWinsockError, STATUS_PENDING } from '../../ffi/ntstatus.ts';
import type { Listener } from '../winsock/listener.ts';
import type { Operation } from '../winsock/operation.ts';
import type { BackendParts } from '../winsock/transport.ts';
import { WorkerWaiter } from '../winsock/waiter/worker-waiter.ts';
import type { PollerData } from '../winsock/waiter/worker-waiter.ts';

/** hEvent's lowest bit: no packet. */
const NO_PACKET = 1;
const EVENT_WORD = OVERLAPPED.hEvent / 4;
const BYTES_WORD = OVERLAPPED.InternalHigh / 4;

/** What the waiting thread is started with. */
export interface EventWorkerData extends PollerData {
  event: number;
}

export class EventAccepts {
  readonly #parts: BackendParts;
  readonly #listeners = new Set<Listener>();
  #event = 0;
  #waiter: WorkerWaiter | null = null;

  constructor(parts: BackendParts) {
    this.#parts = parts;
  }

  has(listener: Listener): boolean {
    return this.#listeners.has(listener);
  }

  /** Takes a listening socket in. Throws Win32Error. */
  add(listener: Listener): void {
    this.#start();
    this.#listeners.add(listener);
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** Makes an accept that is about to be submitted signal the event. */
  prepare({ word }: Operation): void {
    this.#parts.operations.words[word + EVENT_WORD] = this.#event | NO_PACKET;
  }

  /** Ends the thread; no accept is under way. */
  async close(): Promise<void> {
    if (this.#waiter === null) return;
    await this.#waiter.stop();
    this.#waiter = null;
    const { kernel32 } = this.#parts.kernel;
    checkBool(kernel32.CloseHandle(this.#event), kernel32, 'CloseHandle');
  }

  #start(): void {
    if (this.#waiter !== null) return;
    const { kernel32 } = this.#parts.kernel;
    this.#event = checkHandle(kernel32.CreateEventW(0, 0, 0, 0), kernel32, 'CreateEventW');
    const waiter = new WorkerWaiter({
      module: new URL('./event-worker', import.meta.url),
      data: { event: this.#event } satisfies Omit<EventWorkerData, 'control'>,
      interrupt: () => kernel32.SetEvent(this.#event),
      onReady: () => {
        waiter.take();
        this.#settle();
        waiter.arm();
      },
      onFailure: (error) => {
        throw error;
      },
    });
    // Whoever waits for a connection keeps the process alive, through the loop.
    waiter.unref();
    waiter.arm();
    this.#waiter = waiter;
  }

  #settle(): void {
    const { operations, finishInline } = this.#parts;
    for (const listener of this.#listeners) {
      for (const operation of listener.operations()) {
        const status = operations.words[operation.word] ?? 0;
        if (!operation.isInKernel || status === STATUS_PENDING) continue;
        finishInline(
          operation,
          status === 0 ? 0 : ntStatusToWinsockError(status),
          operations.words[operation.word + BYTES_WORD] ?? 0,
        );
      }
    }
  }
}
