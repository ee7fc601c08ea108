/**
 * The event loop of a simulated process: its immediates, its timers, and what keeps it alive. As in Node, 'idle'
 * (beforeExit) comes when nothing is left, and comes again when what it caused is over.
 */
import type { Scheduler, TimerHandle } from '../platform/platform.ts';
import type { SharedNetwork } from './machine/machine.ts';
import { Step } from './schedule/agenda.ts';

export class ProcessLife {
  readonly scheduler: Scheduler;
  readonly #network: SharedNetwork;
  readonly #immediates: (() => void)[] = [];
  readonly #turn: Step;
  readonly #idle: Step;
  readonly #listeners = new Set<() => void>();
  readonly #endListeners = new Set<() => void>();
  /** Timers that keep it alive. */
  readonly #holding = new Set<TimerHandle>();
  #holds = 0;
  #told = false;

  constructor(network: SharedNetwork, name: string, keepAlive: boolean) {
    this.#network = network;
    this.#holds = keepAlive ? 1 : 0;
    this.#keepAlive = keepAlive;
    this.#turn = new Step(
      'turn',
      () => {
        network.note(() => `${name}: turn`);
        this.#runTurn();
      },
      true,
      true,
    );
    this.#idle = new Step(
      'idle',
      () => {
        network.note(() => `${name}: nothing keeps it alive`);
        this.#told = true;
        for (const listener of [...this.#listeners]) listener();
        this.refresh();
      },
      true,
    );
    this.scheduler = {
      now: () => network.clock.now,
      soon: (callback) => {
        this.#immediates.push(callback);
        network.agenda.add(this.#turn);
        this.refresh();
      },
      setTimer: (ms, callback, keepsAlive = false) => {
        if (!keepsAlive) return network.clock.set(ms, callback, true);
        this.hold(1);
        const last = (): void => {
          this.#release(timer);
          callback();
        };
        const timer = network.clock.set(ms, last, true);
        this.#holding.add(timer);
        return timer;
      },
      clearTimer: (timer) => {
        network.clock.clear(timer);
        this.#release(timer);
      },
    };
  }

  /** A timer that kept the process alive has run, or was taken back. */
  #release(timer: TimerHandle): void {
    if (this.#holding.delete(timer)) this.hold(-1);
  }

  #keepAlive: boolean;

  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  set keepAlive(value: boolean) {
    if (value === this.#keepAlive) return;
    this.#keepAlive = value;
    this.hold(value ? 1 : -1);
  }

  /** One thing more (1) or less (-1) that keeps the process alive. */
  hold(change: 1 | -1): void {
    this.#holds += change;
    this.refresh();
  }

  onIdle(callback: () => void): () => void {
    this.#listeners.add(callback);
    this.#told = false;
    this.refresh();
    return () => {
      this.#listeners.delete(callback);
      this.refresh();
    };
  }

  onEnd(callback: () => void): () => void {
    this.#endListeners.add(callback);
    return () => this.#endListeners.delete(callback);
  }

  /** The process ends. */
  end(): void {
    for (const listener of [...this.#endListeners]) listener();
  }

  /** Looks whether the process has become idle, or lively again. */
  refresh(): void {
    const alive = this.#holds > 0 || this.#immediates.length > 0;
    if (alive) this.#told = false;
    this.#network.agenda.set(this.#idle, !alive && !this.#told && this.#listeners.size > 0);
  }

  #runTurn(): void {
    const callback = this.#immediates.shift();
    // Before it runs: it may throw, and the rest must still come.
    if (this.#immediates.length > 0) this.#network.agenda.add(this.#turn);
    try {
      callback?.();
    } finally {
      this.refresh();
    }
  }
}
