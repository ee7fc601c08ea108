/**
 * From initialize() to the end of stopEventLoop(), and round again.
 *
 *   Idle ──initialize──► Ready ──run──► Running ──stop──► Stopping ──last socket gone──► Idle
 *                          └──────────────stop──────────────►┘
 *
 * Stopping is closing every socket as closeSocket does, running all callbacks, and only then letting go: the poller ends,
 * the port is closed, the memory goes back. So the kernel never holds an operation whose memory is gone.
 *
 * A wait that fails for good (a port that somebody has closed) ends the loop in the same way, without flushing anything, and
 * runEventLoop's promise is rejected.
 *
 * When nothing keeps the process alive any more (no callback is owed on a referenced socket), the loop stops by itself
 * and runEventLoop's promise resolves, as uv_run returns: `await pal.runEventLoop()` then lets a module come to its end.
 */
import { ExternalBuffersRefusedError } from '../../ffi/memory.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { NetworkStats } from '../pal/network-stats.ts';
import type { PalDescription } from '../pal/pal-description.ts';
import { inOwnContext } from '../platform/async-context.ts';
import { close, abort } from '../sockets/closer.ts';
import type { Driver } from '../context/context.ts';
import { inspectDriver } from './describe.ts';
import { eventLoopFailed, fromWin32Error } from '../util/errors.ts';
import type { Kernel } from '../platform/platform.ts';
import { LateAnswers } from './late-answers.ts';
import { LoopNotice } from './loop-notice.ts';
import type { ResolvedPalOptions } from './pal-options.ts';
import type { SocketTable } from '../sockets/socket-table.ts';
import { collectStats } from './stats.ts';
import type { OpenBackend } from '../context/transport.ts';
import { takeBackLoans } from './take-back-loans.ts';
import { checkParked } from '../tcp/readiness/watch.ts';
import { makeDriver, makeKept, type DriverHooks, type Kept } from './create-context.ts';

/** What can be told of a loop that has stopped. */
export interface LastWords {
  readonly stats: NetworkStats;
  readonly description: PalDescription;
}

type State = 'idle' | 'ready' | 'running' | 'stopping';

export class Lifecycle {
  readonly #options: ResolvedPalOptions;
  readonly #kernel: () => Kernel;
  readonly #openBackend: OpenBackend;
  readonly #kept: Kept;
  #state: State = 'idle';
  #driver: Driver | null = null;
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
  #running: PromiseWithResolvers | null = null;
  #stopped: PromiseWithResolvers | null = null;
  /** Why the loop ends, when nobody has asked it to. */
  #failure: NetworkError | null = null;

  /**
   * @param palNumber number of the PAL, 0 … 8191
   * @param kernel called by initialize()
   */
  constructor(options: ResolvedPalOptions, palNumber: number, kernel: () => Kernel, openBackend: OpenBackend) {
    this.#kept = makeKept(palNumber);
    this.#options = options;
    this.#kernel = kernel;
    this.#openBackend = openBackend;
  }

  /** Number of the PAL. */
  get palNumber(): number {
    return this.#kept.pal;
  }

  /** The handles of all runs. */
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

  /** Where it is, for the descriptions, which there are while there is a driver. */
  get stage(): 'ready' | 'running' | 'stopping' {
    return this.#state === 'idle' ? 'stopping' : this.#state;
  }

  /** The driver, for a call that makes something and has no callback. Throws NetworkError when it is stopping, or has stopped. */
  open(call: string): Driver {
    if (this.#driver !== null && this.#state !== 'stopping') return this.#driver;
    throw this.#notReady(call);
  }

  /** The driver, also while it is stopping; null once it has stopped. Throws NetworkError when there never was one. */
  begun(call: string): Driver | null {
    if (this.#driver !== null || this.#everInitialized) return this.#driver;
    throw this.#notReady(call);
  }

  /** The driver, or what was left to say when it stopped. Throws NetworkError when there never was one. */
  report(
    call: string,
  ): { readonly driver: Driver; readonly last: null } | { readonly driver: null; readonly last: LastWords } {
    const driver = this.begun(call);
    if (driver !== null) return { driver, last: null };
    if (this.#last !== null) return { driver: null, last: this.#last };
    throw this.#notReady(call);
  }

  /** Runs the answer of a call that has nothing to start, in a coming turn. */
  answer(answer: () => void): void {
    const loop = this.#driver?.loop ?? null;
    if (this.#late !== null) this.#late.give(answer, loop === null ? this.#soon : (task) => loop.enqueue(task));
    else loop?.enqueue(answer);
  }

  initialize(): void {
    if (this.#state !== 'idle') {
      throw new NetworkError(
        `Cannot initialize: this PAL is ${this.#state} already. Call stopEventLoop() first, or create another PAL`,
        { kind: NetworkErrorCode.AlreadyInitialized, code: 'ERR_ALREADY_INITIALIZED' },
      );
    }
    let driver: Driver;
    try {
      // What it makes lives as long as the loop, and must not hold the stores of whoever called.
      driver = inOwnContext(() =>
        makeDriver(this.#kernel(), this.#options, this.#openBackend, this.#kept, this.#hooks),
      );
    } catch (error) {
      throw initializationError(error);
    }
    this.#driver = driver;
    this.#unwatchEnd = driver.kernel.threadEnd?.watch(() => takeBackLoans(driver)) ?? null;
    this.#state = 'ready';
    this.#everInitialized = true;
    this.#late = null;
    this.#last = null;
    this.#failure = null;
    const { scheduler } = this.#driver.kernel;
    this.#soon = (task) => scheduler.soon(task);
    this.#notice = this.#everRan ? null : new LoopNotice(this.#driver);
  }

  run(): Promise<void> {
    if (this.#state === 'idle' && this.#everInitialized) this.initialize();
    const driver = this.#driver;
    if (driver === null) throw this.#notReady('runEventLoop');
    if (this.#state !== 'ready') {
      throw new NetworkError(`Cannot run the event loop: it is ${this.#state} already`, {
        kind: NetworkErrorCode.EventLoopError,
        code: 'ERR_EVENT_LOOP_RUNNING',
      });
    }
    this.#state = 'running';
    this.#everRan = true;
    this.#notice?.dispose();
    this.#running = inOwnContext(withResolvers);
    this.#unwatch = driver.kernel.onIdle(this.#onIdle);
    driver.loop.activate();
    return this.#running.promise;
  }

  stop(): Promise<void> {
    if (this.#stopped !== null) return this.#stopped.promise;
    const driver = this.#driver;
    if (driver === null) return Promise.resolve();
    // While sockets still take writes: what other threads have submitted counts as done before.
    driver.inbox?.close();
    driver.offers.takeBack(driver);
    this.#state = 'stopping';
    this.#notice?.dispose();
    this.#late = new LateAnswers(driver.kernel.scheduler, driver.sockets.size);
    this.#stopped = inOwnContext(withResolvers);
    // The process must live until the end of this, whatever is referenced.
    driver.loop.hold();
    driver.loop.activate();
    for (const record of driver.sockets) close(driver, record, undefined);
    return this.#stopped.promise;
  }

  readonly #onIdle = (): void => {
    if (this.#state === 'running' && this.#driver?.loop.isHeld === false) void this.stop();
  };

  readonly #onFailure = (error: Error): void => {
    const driver = this.#driver;
    if (driver === null) return;
    this.#failure ??= eventLoopFailed(error);
    void this.stop(); // which this failure does not reject
    for (const record of driver.sockets) abort(driver, record);
  };

  readonly #afterTurn = (): void => {
    const driver = this.#driver;
    if (driver === null) return;
    checkParked(driver);
    if (this.#state !== 'stopping') return;
    if (driver.inbox?.isFinished === false) return;
    if (driver.sockets.size > 0 || driver.operations.used > 0 || !driver.loop.isQuiet) return;
    this.#unwatch?.();
    this.#unwatch = null;
    void this.#end(driver);
  };

  readonly #hooks: DriverHooks = { afterTurn: this.#afterTurn, onFailure: this.#onFailure };

  async #end(driver: Driver): Promise<void> {
    const stopped = this.#stopped;
    const running = this.#running;
    try {
      driver.loop.release();
      driver.grace.dispose();
      driver.quiet.dispose();
      driver.calls.dispose();
      this.#last = { stats: collectStats(driver), description: inspectDriver(driver, this.stage) };
      await driver.loop.close();
      driver.blocks.dispose();
      driver.operations.dispose();
      driver.scratch.dispose();
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
    this.#driver = null;
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
    const state = this.#stopped !== null ? 'is stopping' : 'has stopped';
    return new NetworkError(
      `Cannot call ${call}(): the event loop ${state}. Call runEventLoop() or initialize() once it has stopped`,
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

/** What initialize() throws for what went wrong in it. */
function initializationError(error: unknown): unknown {
  if (!(error instanceof ExternalBuffersRefusedError)) return fromWin32Error('initialize', error);
  const message =
    'Cannot initialize: this runtime does not let an ArrayBuffer show native memory, which the system and iocp-pal share. ' +
    'Electron forbids it since version 21: run iocp-pal in a process of Node.js itself (docs/bundling.md)';
  const options = { kind: NetworkErrorCode.InitializationFailed, code: 'ERR_EXTERNAL_BUFFERS_REFUSED', cause: error };
  return new NetworkError(message, options);
}
