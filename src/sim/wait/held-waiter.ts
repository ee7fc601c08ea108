/** What the simulated waiters have in common: they count, and keep the process alive. */
import type { SimulatedProcess } from '../machine/machine.ts';

export abstract class HeldWaiter {
  /** What was found since the last take(). */
  protected taken = 0;
  /** Waits since the last takeWaits(). */
  protected waits = 0;
  protected referenced = true;
  protected readonly platform: SimulatedProcess;
  #holding = false;

  constructor(platform: SimulatedProcess) {
    this.platform = platform;
  }

  /** Whether it keeps the process alive as it is now. */
  protected abstract get holds(): boolean;

  take(): number {
    const { taken } = this;
    this.taken = 0;
    return taken;
  }

  takeWaits(): number {
    const { waits } = this;
    this.waits = 0;
    return waits;
  }

  ref(): void {
    this.referenced = true;
    this.updateHold();
  }

  unref(): void {
    this.referenced = false;
    this.updateHold();
  }

  protected updateHold(): void {
    const wanted = this.holds;
    if (wanted === this.#holding) return;
    this.#holding = wanted;
    this.platform.hold(wanted ? 1 : -1);
  }
}
