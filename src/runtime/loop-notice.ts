/**
 * Says so when runEventLoop() was forgotten: nothing calls back then, and nothing says why.
 *
 * It looks once a second, and when nothing is left that keeps the process alive, until the loop runs. A program that runs
 * its loop late gets no warning, as long as nothing waits to be called back.
 */
import process from 'node:process';
import type { Context } from '../context/context.ts';
import type { TimerHandle } from '../platform/platform.ts';

/** Milliseconds between two looks. */
const LOOK_MS = 1000;

export class LoopNotice {
  readonly #context: Context;
  readonly #unwatch: () => void;
  #timer: TimerHandle | null = null;

  constructor(context: Context) {
    this.#context = context;
    this.#unwatch = context.platform.onIdle(() => {
      if (context.pendingCallbacks > 0 || context.loop.isDue()) this.#warn();
    });
    this.#arm();
  }

  /** The loop runs, or is closed. */
  dispose(): void {
    if (this.#timer === null) return;
    this.#context.platform.scheduler.clearTimer(this.#timer);
    this.#timer = null;
    this.#unwatch();
  }

  #arm(): void {
    this.#timer = this.#context.platform.scheduler.setTimer(LOOK_MS, () => {
      if (this.#context.loop.isDue()) this.#warn();
      else this.#arm();
    });
  }

  #warn(): void {
    this.dispose();
    process.emitWarning(
      'Callbacks of a NetworkPal wait to run, and its event loop has never run. Call runEventLoop() after initialize()',
      { type: 'NetworkPalWarning', code: 'IOCP_PAL_LOOP_NOT_RUNNING' },
    );
  }
}
