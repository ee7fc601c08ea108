/**
 * Waiting in another thread, so that the owner's stays free for everything else. wait-permit.ts has the protocol.
 *
 *   starting ──'ready'──► serving ──it ends──► gone
 *   └───── the substitute waits ─────┘         └── the substitute waits
 *
 * The thread takes its time to start (it compiles its program and loads koffi), and may be lost: an agent's code that
 * throws in every thread, memory that runs out, terminate(). In both cases the owner's thread waits itself, by a substitute
 * that looks every now and then, so that nothing stands still meanwhile. What the lost thread had taken off the source
 * and has not reported is in memory that both see (`recover`).
 */
import { Win32Error } from '../../ffi/check.ts';
import type { PortWaiter, WaiterCallbacks } from '../platform/platform.ts';
import {
  CONTROL_WORDS,
  endStartup,
  grantPermit,
  READY,
  stopPermits,
  takeCount,
  takeWaits,
  type WaiterMessage,
} from './wait-permit.ts';

export interface WaiterThread {
  /** Keeps the process alive while it lives. */
  ref(): void;
  unref(): void;
}

/** The waiter thread's callbacks, both only in later turns. */
export interface WaiterListener {
  message(message: WaiterMessage): void;
  /** It has ended: after its last message, once. @param error what ended it, null when it came to its end */
  ended(error: Error | null): void;
}

export interface ThreadWaiterParts extends WaiterCallbacks {
  /** Starts the thread, which lives until the permit says STOP. It keeps the process alive. Throws when there can be none. */
  start: (control: Int32Array, listener: WaiterListener) => WaiterThread;
  /** Called before each wait of the thread, to write the library's own words of the control block. */
  prepare?: (control: Int32Array) => void;
  /** Makes the system call that the thread may be in return. */
  interrupt: () => void;
  /** Makes a waiter of the owner's own thread. */
  substitute: (callbacks: WaiterCallbacks) => PortWaiter;
  /** The number of events that a thread which has ended had found in its last wait. */
  recover: () => number;
  /** The thread was lost: the substitute waits from now on. */
  onLost: (error: Error) => void;
}

export class ThreadWaiter implements PortWaiter {
  readonly #parts: ThreadWaiterParts;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT));
  #thread: WaiterThread | null = null;
  #serving = false;
  #gone = false;
  #lost = false;
  #substitute: PortWaiter | null = null;
  #armed = false;
  /** The thread was let in and has not woken us since: what its wait has written is there to be recovered. */
  #isLetIn = false;
  #taken = 0;
  #waits = 0;
  #stopping = false;
  #referenced = true;
  #ended: () => void = () => undefined;
  readonly #end = new Promise<void>((resolve) => {
    this.#ended = resolve;
  });

  constructor(parts: ThreadWaiterParts) {
    this.#parts = parts;
    this.#thread = parts.start(this.#control, {
      message: (message) => this.#onMessage(message),
      ended: (error) => this.#onEnd(error),
    });
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    this.#armed = true;
    if (this.#serving) this.#letIn();
    else this.#armSubstitute();
  }

  take(): number {
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
  }

  takeWaits(): number {
    const waits = this.#waits + takeWaits(this.#control) + (this.#substitute?.takeWaits() ?? 0);
    this.#waits = 0;
    return waits;
  }

  ref(): void {
    this.#referenced = true;
    this.#thread?.ref();
    this.#substitute?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#thread?.unref();
    this.#substitute?.unref();
  }

  async stop(): Promise<void> {
    this.#thread?.ref();
    this.#stopNow();
    if (!this.#gone) await this.#end;
    this.#dropSubstitute();
    // What it found after its last wake-up.
    this.#taken += this.#recover();
    this.#armed = false;
  }

  /** Stops in one step, at the end of the process: the thread can be terminated when this returns. */
  stopAtExit(): void {
    this.#stopNow();
    if (!this.#gone) endStartup(this.#control);
  }

  #stopNow(): void {
    this.#stopping = true;
    if (this.#gone) return;
    stopPermits(this.#control);
    this.#parts.interrupt();
  }

  #onMessage(message: WaiterMessage): void {
    if (message === READY) {
      this.#serving = true;
      this.#dropSubstitute();
      if (this.#armed) this.#letIn();
    } else if (message === null) {
      this.#isLetIn = false;
      this.#deliver(takeCount(this.#control));
    } else {
      // It ends after this message. The same wait may succeed here; if not, that failure is reported.
      this.#serving = false;
      this.#isLetIn = false;
      this.#report(new Win32Error(message.syscall, message.systemErrorCode));
      if (this.#armed && !this.#stopping) this.#armSubstitute();
    }
  }

  #onEnd(error: Error | null): void {
    this.#gone = true;
    this.#serving = false;
    this.#thread = null;
    this.#ended();
    if (this.#stopping) return;
    this.#report(error ?? new Error('It ended by itself'));
    if (!this.#isLetIn) return;
    const found = this.#recover();
    if (found === 0) this.#armSubstitute();
    else this.#deliver(found);
  }

  /** Once: what follows is reported by the substitute. */
  #report(error: Error): void {
    if (this.#lost || this.#stopping) return;
    this.#lost = true;
    this.#parts.onLost(error);
  }

  /** What the thread, which has ended, had found and not reported. */
  #recover(): number {
    if (!this.#isLetIn) return 0;
    this.#isLetIn = false;
    takeCount(this.#control); // the same events, if it came so far
    return this.#parts.recover();
  }

  #letIn(): void {
    this.#isLetIn = true;
    this.#parts.prepare?.(this.#control);
    grantPermit(this.#control);
  }

  #armSubstitute(): void {
    if (this.#substitute === null) {
      this.#substitute = this.#parts.substitute({
        onReady: () => this.#deliver(this.#substitute?.take() ?? 0),
        onFailure: (error) => {
          this.#armed = false;
          this.#parts.onFailure(error);
        },
      });
      if (!this.#referenced) this.#substitute.unref();
    }
    this.#substitute.arm();
  }

  #dropSubstitute(): void {
    const substitute = this.#substitute;
    if (substitute === null) return;
    this.#substitute = null;
    void substitute.stop(); // it is on this thread, so it has ended when this returns
    this.#waits += substitute.takeWaits();
    const found = substitute.take();
    if (found === 0) return;
    this.#armed = false;
    this.#taken += found;
  }

  #deliver(found: number): void {
    this.#armed = false;
    this.#taken += found;
    this.#parts.onReady();
  }
}
