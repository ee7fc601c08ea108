/**
 * Accepting on a listening socket that another process has tied to its port (importServer).
 *
 * A socket has one port, whichever process it is in, and the packets of every handle of it go there: those of an AcceptEx of
 * ours would land in the other process, with a pointer that means nothing to it. An OVERLAPPED whose hEvent has its lowest
 * bit set asks for the event instead of a packet. So:
 *
 *   AcceptEx, hEvent = event | 1 ──► event ──► a thread that waits for it ──► settle(): whose status is not pending any more
 *
 * One event and one thread for all such sockets of a loop, made when the first comes. So a signal says only that something
 * may have ended, and an accept is found by its status:
 * - the event is an auto-reset one: two accepts that end together signal it once;
 * - a call that is given an event begins by resetting it. An accept that has ended a moment before loses its signal to the next
 *   one that is posted, if the thread was not waiting at that moment. So whoever posts one looks at the others behind it.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/ioapiset/nf-ioapiset-getqueuedcompletionstatus ("lpOverlapped"),
 * https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-overlapped ("hEvent")
 */
import { checkBool, checkHandle } from '../../ffi/check.ts';
import { OVERLAPPED } from '../../ffi/layouts.ts';
import type { PortWaiter } from '../platform/platform.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import type { Operation } from '../memory/operation.ts';
import type { BackendParts } from '../context/transport.ts';
import { finishEnded, isHandleGone } from './lost-port.ts';

/** hEvent's lowest bit: no packet. */
const NO_PACKET = 1;
const EVENT_WORD = OVERLAPPED.hEvent / 4;

export class EventAccepts {
  readonly #parts: BackendParts;
  readonly #onFailure: (error: Error) => void;
  readonly #listeners = new Set<SocketRecord>();
  #event = 0;
  /** Somebody else has closed the event. */
  #handleIsGone = false;
  /** Null until the first socket comes, and from close() on. */
  #waiter: PortWaiter | null = null;

  /** @param onFailure the event cannot be waited for any more */
  constructor(parts: BackendParts, onFailure: (error: Error) => void) {
    this.#parts = parts;
    this.#onFailure = onFailure;
  }

  has(listener: SocketRecord): boolean {
    return this.#listeners.has(listener);
  }

  /** Takes a listening socket in. Throws Win32Error, or NetworkError when the thread cannot be started. */
  add(listener: SocketRecord): void {
    this.#start();
    this.#listeners.add(listener);
  }

  /** A socket, maybe one of these, is about to be closed. With accepts that no cancel has ended it stays until these have. */
  remove(listener: SocketRecord): void {
    if (listener.inFlight === 0) this.#listeners.delete(listener);
  }

  /** Makes an accept that is about to be submitted signal the event. */
  prepare({ word }: Operation): void {
    this.#parts.operations.words[word + EVENT_WORD] = this.#event | NO_PACKET;
  }

  /** Finishes the accepts that have ended. For the event, and after every call that was given it: it may have reset it. */
  settle(): void {
    for (const listener of this.#listeners) {
      if (listener.closed) this.#listeners.delete(listener);
      for (const operation of listener.operations()) {
        if (operation.isInKernel) finishEnded(this.#parts, operation);
      }
    }
  }

  countWaits(): void {
    this.#parts.counters.syscalls.WaitForSingleObject += this.#waiter?.takeWaits() ?? 0;
  }

  /** Ends the thread; no accept is under way. */
  async close(): Promise<void> {
    const waiter = this.#waiter;
    if (waiter === null) return;
    this.#waiter = null;
    await waiter.stop();
    this.#closeEvent();
  }

  #start(): void {
    if (this.#waiter !== null) return;
    const { platform, counters } = this.#parts;
    counters.syscalls.CreateEventW++;
    this.#event = checkHandle(platform.kernel32.CreateEventW(0, 0, 0, 0), platform.kernel32, 'CreateEventW');
    try {
      this.#waiter = platform.createEventWaiter({
        event: this.#event,
        onReady: this.#signalled,
        onFailure: (error) => {
          this.#handleIsGone = isHandleGone(error, 'WaitForSingleObject');
          this.#onFailure(error);
        },
      });
    } catch (error) {
      this.#closeEvent();
      throw error;
    }
    // Whoever waits for a connection keeps the process alive, through the loop.
    this.#waiter.unref();
    this.#waiter.arm();
  }

  readonly #signalled = (): void => {
    // Its last wake-up may arrive while it ends.
    if (this.#waiter === null) return;
    this.#waiter.take();
    // Armed first or last is the same: an accept that ends in between is seen, or has set the event.
    this.settle();
    this.#waiter.arm();
  };

  #closeEvent(): void {
    if (this.#handleIsGone) return;
    const { kernel32 } = this.#parts.platform;
    checkBool(kernel32.CloseHandle(this.#event), kernel32, 'CloseHandle');
  }
}
