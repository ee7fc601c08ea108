/**
 * From initialize() to the end of stopEventLoop(), and round again.
 *
 *   Idle ──initialize──► Ready ──run──► Running ──stop──► Stopping ──last socket gone──► Idle
 *                          └──────────────stop──────────────►┘
 *
 * Stopping is closing every socket as closeSocket does, running all callbacks, and only then giving things back: the waiter ends,
 * the port is closed, the memory goes back. So the kernel never holds an operation whose memory is gone.
 *
 * A wait that fails for good (a port that somebody has closed) ends the loop in the same way, without flushing anything, and
 * runEventLoop's promise is rejected.
 *
 * When nothing keeps the process alive any more (no callback is owed on a referenced socket), the loop stops by itself
 * and runEventLoop's promise resolves, as uv_run returns: `await pal.runEventLoop()` then lets a module come to its end. With
 * stopWhenIdle: false it goes on instead, and the process ends with it: what is in flight is dealt with as at process.exit().
 */
import { ExternalBuffersRefusedError } from '../../ffi/memory.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { NetworkStats } from '../pal/network-stats.ts';
import type { PalDescription } from '../pal/pal-description.ts';
import { inOwnContext } from '../platform/async-context.ts';
import { close, abort } from '../sockets/closer.ts';
import type { Context } from '../context/context.ts';
import { formatDescription, inspectContext } from './describe.ts';
import { eventLoopFailed, fromWin32Error } from '../util/errors.ts';
import type { Platform } from '../platform/platform.ts';
import { LateAnswers } from './late-answers.ts';
import { LoopNotice } from './loop-notice.ts';
import { listPal } from './open-pals.ts';
import type { ResolvedPalOptions } from './pal-options.ts';
import type { SocketTable } from '../sockets/socket-table.ts';
import { requireStack } from '../util/stack-room.ts';
import { collectStats } from './stats.ts';
import { takeBackLoans } from './take-back-loans.ts';
import { sendAllDeferred } from '../tcp/deferred-send.ts';
import { checkWaiting } from '../tcp/readiness/watch.ts';
import { createContext, makeKept, type ContextHooks, type Kept } from './create-context.ts';

export interface LastWords {
  readonly stats: NetworkStats;
  readonly description: PalDescription;
}

type State = 'idle' | 'ready' | 'running' | 'stopping';

export class Lifecycle {
  readonly #options: ResolvedPalOptions;
  readonly #platform: () => Platform;
  readonly #kept: Kept;
  #state: State = 'idle';
  #context: Context | null = null;
  #everInitialized = false;
  #everRan = false;
  #notice: LoopNotice | null = null;
  /** From the beginning of a stop to the next run. */
  #late: LateAnswers | null = null;
  /** What stats(), inspect() and describe() say after a stop. */
  #last: LastWords | null = null;
  #soon: (task: () => void) => void = () => undefined;
  #unwatch: (() => void) | null = null;
  #unwatchEnd: (() => void) | null = null;
  #unlist: (() => void) | null = null;
  #running: PromiseWithResolvers | null = null;
  #stopped: PromiseWithResolvers | null = null;
  /** Why the loop ends, when nobody has asked it to. */
  #failure: NetworkError | null = null;

  /**
   * @param palNumber number of the PAL, 0 … 8191
   * @param platform called by initialize()
   */
  constructor(options: ResolvedPalOptions, palNumber: number, platform: () => Platform) {
    this.#kept = makeKept(palNumber);
    this.#options = options;
    this.#platform = platform;
  }

  get palNumber(): number {
    return this.#kept.pal;
  }

  get sockets(): SocketTable {
    return this.#kept.sockets;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** stopEventLoop() was called, and has not ended. */
  get isStopping(): boolean {
    return this.#state === 'stopping';
  }

  /** Where it is, for the descriptions, which there are while there is a context. */
  get stage(): 'ready' | 'running' | 'stopping' {
    return this.#state === 'idle' ? 'stopping' : this.#state;
  }

  /** What inspect() says, as text. */
  describe(): string {
    const { context, last } = this.report('describe');
    return formatDescription(context === null ? last.description : inspectContext(context, this.stage));
  }

  /** The context, for a call that makes something and has no callback. Throws NetworkError when it is stopping, or has stopped. */
  open(call: string): Context {
    requireStack();
    if (this.#context !== null && this.#state !== 'stopping') return this.#context;
    throw this.#notReady(call);
  }

  /** The context, also while it is stopping; null once it has stopped. Throws NetworkError when there never was one. */
  begun(call: string): Context | null {
    requireStack();
    return this.#context ?? this.#afterwards(call);
  }

  /** What begun() returns when there is no context. */
  #afterwards(call: string): null {
    if (this.#everInitialized) return null;
    throw this.#notReady(call);
  }

  /** The context, or what was left to say when it stopped. Throws NetworkError when there never was one. */
  report(
    call: string,
  ): { readonly context: Context; readonly last: null } | { readonly context: null; readonly last: LastWords } {
    const context = this.begun(call);
    if (context !== null) return { context, last: null };
    if (this.#last !== null) return { context: null, last: this.#last };
    throw this.#notReady(call);
  }

  /** Runs the answer of a call that has nothing to start, in a coming turn. */
  answer(answer: () => void): void {
    const loop = this.#context?.loop ?? null;
    if (this.#late !== null) this.#late.give(answer, loop === null ? this.#soon : (task) => loop.enqueue(task));
    else loop?.enqueue(answer);
  }

  initialize(): void {
    requireStack();
    if (this.#state !== 'idle') {
      throw new NetworkError(
        `Cannot initialize: this PAL is ${this.#state} already. Await stopEventLoop() first, or create another PAL`,
        { kind: NetworkErrorCode.AlreadyInitialized, code: 'ERR_ALREADY_INITIALIZED' },
      );
    }
    let context: Context;
    try {
      // What it makes lives as long as the loop, and must not hold the stores of whoever called.
      context = inOwnContext(() => createContext(this.#platform(), this.#options, this.#kept, this.#hooks));
    } catch (error) {
      throw initializationError(error);
    }
    this.#context = context;
    const onThreadEnd = (): void => {
      sendAllDeferred(context);
      takeBackLoans(context);
    };
    this.#unwatchEnd = context.platform.threadEnd?.watch(onThreadEnd) ?? null;
    this.#unlist = listPal(this);
    this.#state = 'ready';
    this.#everInitialized = true;
    this.#late = null;
    this.#last = null;
    this.#failure = null;
    const { scheduler } = this.#context.platform;
    this.#soon = (task) => scheduler.soon(task);
    this.#notice = this.#everRan ? null : new LoopNotice(this.#context);
  }

  run(): Promise<void> {
    requireStack();
    if (this.#state === 'idle' && this.#everInitialized) this.initialize();
    const context = this.#context;
    if (context === null) throw this.#notReady('runEventLoop');
    if (this.#state !== 'ready') {
      throw new NetworkError(
        `Cannot run the event loop: it is ${this.#state} already. Await stopEventLoop() first, or the promise of the call ` +
          'that runs it',
        { kind: NetworkErrorCode.EventLoopError, code: 'ERR_EVENT_LOOP_RUNNING' },
      );
    }
    this.#state = 'running';
    this.#everRan = true;
    this.#notice?.dispose();
    this.#running = inOwnContext(withResolvers);
    if (this.#options.stopWhenIdle) this.#unwatch = context.platform.onIdle(this.#onIdle);
    context.loop.activate();
    return this.#running.promise;
  }

  stop(): Promise<void> {
    requireStack();
    if (this.#stopped !== null) return this.#stopped.promise;
    const context = this.#context;
    if (context === null) return Promise.resolve();
    // While sockets still take writes: what other threads have submitted counts as done before.
    context.inbox?.close();
    context.pendingTransfers.takeBack(context);
    this.#state = 'stopping';
    this.#notice?.dispose();
    this.#late = new LateAnswers(context.platform.scheduler, context.sockets.size);
    this.#stopped = inOwnContext(withResolvers);
    // The process must live until the end of this, whatever is referenced.
    context.loop.hold();
    context.loop.activate();
    for (const record of context.sockets) close(context, record, undefined);
    return this.#stopped.promise;
  }

  readonly #onIdle = (): void => {
    if (this.#state === 'running' && this.#context?.loop.isHeld === false) void this.stop();
  };

  readonly #onFailure = (error: Error): void => {
    const context = this.#context;
    if (context === null) return;
    this.#failure ??= eventLoopFailed(error);
    void this.stop(); // which this failure does not reject
    for (const record of context.sockets) abort(context, record);
  };

  readonly #afterTurn = (): void => {
    const context = this.#context;
    if (context === null) return;
    checkWaiting(context);
    if (this.#state !== 'stopping') return;
    if (context.inbox?.isFinished === false) return;
    if (context.sockets.size > 0 || context.operations.used > 0 || !context.loop.isIdle) return;
    this.#unwatch?.();
    this.#unwatch = null;
    void this.#end(context);
  };

  readonly #hooks: ContextHooks = { afterTurn: this.#afterTurn, onFailure: this.#onFailure };

  async #end(context: Context): Promise<void> {
    const stopped = this.#stopped;
    const running = this.#running;
    try {
      context.loop.release();
      context.closing.dispose();
      context.idleSweep.dispose();
      context.pendingCalls.dispose();
      this.#last = { stats: collectStats(context), description: inspectContext(context, this.stage) };
      await context.loop.close();
      context.blocks.dispose();
      context.operations.dispose();
      context.scratch.dispose();
      this.#settle();
      if (this.#failure === null) running?.resolve();
      else running?.reject(this.#failure);
      stopped?.resolve();
    } catch (error) {
      this.#settle();
      running?.reject(error);
      stopped?.reject(error);
    }
  }

  /** Only now: until the stop has ended, calls are answered and closing is allowed (stopEventLoop's contract). */
  #settle(): void {
    this.#unwatchEnd?.();
    this.#unwatchEnd = null;
    this.#unlist?.();
    this.#unlist = null;
    this.#context = null;
    this.#state = 'idle';
    this.#stopped = null;
    this.#running = null;
  }

  #notReady(call: string): NetworkError {
    if (!this.#everInitialized) {
      return new NetworkError(`Cannot call ${call}(): this PAL is not initialized. Call initialize() first`, {
        kind: NetworkErrorCode.NotInitialized,
        code: 'ERR_NOT_INITIALIZED',
      });
    }
    const [state, when] =
      this.#stopped === null
        ? ['has stopped', 'to begin anew']
        : ['is stopping', "when stopEventLoop()'s promise resolves"];
    return new NetworkError(
      `Cannot call ${call}(): the event loop ${state}. Call runEventLoop() or initialize() ${when}`,
      { kind: NetworkErrorCode.EventLoopError, code: 'ERR_EVENT_LOOP_STOPPED' },
    );
  }
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}

function initializationError(error: unknown): unknown {
  if (!(error instanceof ExternalBuffersRefusedError)) return fromWin32Error('initialize', error);
  const message =
    'Cannot initialize: this runtime does not let an ArrayBuffer show native memory, which the system and iocp-pal share. ' +
    'Electron forbids it since version 21: run iocp-pal in a process of Node.js itself (docs/bundling.md)';
  const options = { kind: NetworkErrorCode.InitializationFailed, code: 'ERR_EXTERNAL_BUFFERS_REFUSED', cause: error };
  return new NetworkError(message, options);
}
