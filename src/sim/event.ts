/**
 * An auto-reset event, and the thread that waits for it.
 *
 *   armed ──(step: it begins to wait)──► waiting ──the event is set──► rung ──(step: its message arrives)──► onReady
 *
 * A signal that comes while the thread waits is taken at once. One that comes before stays in the event, and is lost to
 * a call that is given the event in between: such a call begins by resetting it.
 */
import type { EventWaiterParts, PortWaiter } from '../winsock/kernel.ts';
import { Step } from './agenda.ts';
import { HeldWaiter } from './held-waiter.ts';
import type { SimulatedKernel } from './kernel.ts';
import { SimulationError } from './simulation-error.ts';

export class SimulatedEvent {
  readonly number: number;
  isSet = false;
  /** Operations that will set it. */
  users = 0;
  /** Takes the signal if a thread waits for it. */
  onSet: (() => void) | null = null;

  constructor(number: number) {
    this.number = number;
  }

  set(): void {
    this.isSet = true;
    this.onSet?.();
  }
}

export class SimulatedEventWaiter extends HeldWaiter implements PortWaiter {
  readonly #event: SimulatedEvent;
  readonly #onReady: () => void;
  readonly #beginStep: Step;
  readonly #ringStep: Step;
  #armed = false;
  #waiting = false;
  #rung = false;
  #stopped = false;

  constructor(kernel: SimulatedKernel, { event, onReady }: EventWaiterParts) {
    super(kernel);
    const found = kernel.handle(event);
    if (!(found instanceof SimulatedEvent)) throw new SimulationError(`A waiter for ${event}, which is no event`);
    this.#event = found;
    this.#onReady = onReady;
    this.#beginStep = new Step('event thread waits', () => {
      this.waits++;
      this.#waiting = true;
      this.#look();
    });
    this.#ringStep = new Step('event thread wakes the loop', this.#ring, true);
    found.onSet = () => {
      this.#look();
    };
    this.updateHold();
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    if (this.#stopped) throw new SimulationError('An event waiter was armed after it had been stopped');
    this.#armed = true;
    this.kernel.network.agenda.add(this.#beginStep);
  }

  stop(): Promise<void> {
    const { agenda } = this.kernel.network;
    this.#stopped = true;
    this.#armed = false;
    this.#waiting = false;
    this.#event.onSet = null;
    agenda.remove(this.#beginStep);
    agenda.remove(this.#ringStep);
    this.updateHold();
    // A message that was on its way is heard before the end of the thread.
    if (this.#rung) this.#onReady();
    return Promise.resolve();
  }

  #look(): void {
    if (!this.#waiting || !this.#event.isSet) return;
    this.#event.isSet = false;
    this.#waiting = false;
    this.#rung = true;
    this.kernel.network.agenda.add(this.#ringStep);
  }

  readonly #ring = (): void => {
    this.#rung = false;
    this.#armed = false;
    this.taken++;
    this.#onReady();
  };

  /** A worker_thread keeps the process alive while it lives and is ref'd. */
  protected override get holds(): boolean {
    return this.referenced && !this.#stopped;
  }
}
