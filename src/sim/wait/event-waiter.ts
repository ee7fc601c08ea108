/**
 * The thread that waits for an auto-reset event, as the library's own ThreadWaiter sees a real one.
 *
 *   starts ──step──► ready ──let in, step──► waits ──the event is set──► rung ──step: its message arrives──► ready
 *
 * A signal that comes while the thread waits is taken at once. One that comes before stays in the event, and is lost to
 * a call that is given the event in between: such a call begins by resetting it.
 *
 * The thread may die as the waiter of a port does (thread-waiter.ts), also with a signal in hand that it tells nobody of, and its
 * wait may fail.
 */
import { Win32Error } from '../../../ffi/check.ts';
import type { EventWaiterParts, PortWaiter, WaiterCallbacks } from '../../platform/platform.ts';
import { PERMIT_PROTOCOL, READY } from '../../wait/wait-permit.ts';
import { ThreadWaiter, type WaiterListener, type WaiterThread } from '../../wait/thread-waiter.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { Step } from '../schedule/agenda.ts';
import { SimulatedEvent } from '../kernel/event.ts';
import { HeldWaiter } from './held-waiter.ts';

const { COUNT, PERMIT, WITHHELD, GRANTED, WAITS } = PERMIT_PROTOCOL;
const WAIT = 'WaitForSingleObject';

/** A waiter whose waits run in another thread. */
export function createEventWaiter(platform: SimulatedProcess, parts: EventWaiterParts): PortWaiter {
  const event = platform.handle(parts.event);
  if (!(event instanceof SimulatedEvent)) throw new SimulationError(`A waiter for ${parts.event}, which is no event`);
  let thread: EventWaiter | null = null;
  return new ThreadWaiter({
    start: (control, listener) => (thread = new EventWaiter(platform, event, control, listener)),
    prepare: () => thread?.letIn(),
    interrupt: () => thread?.interrupt(),
    substitute: (callbacks) => new EventLook(platform, event, callbacks),
    recover: () => 1, // as the real one's
    onLost: (error) => {
      platform.eventWaitersLost++;
      platform.network.note(() => `${platform.name}: ${error.message}`);
    },
    onReady: parts.onReady,
    onFailure: parts.onFailure,
  });
}

class EventWaiter implements WaiterThread {
  readonly #platform: SimulatedProcess;
  readonly #event: SimulatedEvent;
  readonly #control: Int32Array;
  readonly #listener: WaiterListener;
  readonly #readyStep = new Step('event thread is ready', () => this.#begin(), true);
  readonly #waitStep = new Step('event thread waits', () => this.#wait(), true);
  readonly #ringStep = new Step('event thread wakes the loop', () => this.#ring(), true);
  readonly #dieStep = new Step('event thread dies', () => this.#die());
  readonly #endStep = new Step('end of the event thread', () => this.#end(), true);
  #waiting = false;
  #dead = false;
  #referenced = true;
  #holding = false;

  constructor(platform: SimulatedProcess, event: SimulatedEvent, control: Int32Array, listener: WaiterListener) {
    this.#platform = platform;
    this.#event = event;
    this.#control = control;
    this.#listener = listener;
    event.onSet.add(this.#look);
    platform.network.agenda.add(this.#readyStep);
    this.#hold(true);
  }

  ref(): void {
    this.#referenced = true;
    if (!this.#dead) this.#hold(true);
  }

  unref(): void {
    this.#referenced = false;
    this.#hold(false);
  }

  /** The permit is about to be granted. */
  letIn(): void {
    const { agenda } = this.#platform.network;
    agenda.add(this.#waitStep);
    if (this.#mayDie()) agenda.add(this.#dieStep);
  }

  /** The permit says STOP: the event wakes it. */
  interrupt(): void {
    if (this.#dead) return; // its end will be heard
    this.#event.set();
    this.#end();
  }

  #begin(): void {
    if (this.#mayDie()) this.#die();
    else this.#listener.message(READY);
  }

  #wait(): void {
    const code = this.#platform.waitFault(WAIT);
    Atomics.add(this.#control, WAITS, 1);
    if (code === 0) {
      this.#waiting = true;
      this.#look();
      return;
    }
    this.#listener.message({ syscall: WAIT, systemErrorCode: code });
    this.#die();
  }

  readonly #look = (): void => {
    if (!this.#waiting || !this.#event.isSet) return;
    this.#event.isSet = false;
    this.#waiting = false;
    if (this.#mayDie()) return this.#die();
    Atomics.store(this.#control, COUNT, 1);
    Atomics.compareExchange(this.#control, PERMIT, GRANTED, WITHHELD);
    this.#platform.network.agenda.add(this.#ringStep);
  };

  #ring(): void {
    this.#platform.network.agenda.remove(this.#ringStep);
    this.#listener.message(null);
  }

  /** It runs no code any more. A message that it has posted is still heard. */
  #die(): void {
    const { agenda } = this.#platform.network;
    this.#dead = true;
    this.#waiting = false;
    for (const step of [this.#readyStep, this.#waitStep, this.#dieStep]) agenda.remove(step);
    agenda.add(this.#endStep);
  }

  #end(): void {
    const { agenda } = this.#platform.network;
    if (this.#ringStep.place >= 0) this.#ring();
    for (const step of [this.#readyStep, this.#waitStep, this.#dieStep, this.#endStep]) agenda.remove(step);
    this.#event.onSet.delete(this.#look);
    const died = this.#dead;
    this.#dead = true;
    this.#hold(false);
    this.#listener.ended(died ? new Error('The thread that waits for an event has died') : null);
  }

  #mayDie(): boolean {
    return !this.#dead && this.#platform.faults?.kills() === true;
  }

  /** A worker_thread keeps the process alive while it lives and is ref'd. */
  #hold(wanted: boolean): void {
    const holds = wanted && this.#referenced;
    if (holds !== this.#holding) this.#platform.hold(holds ? 1 : -1);
    this.#holding = holds;
  }
}

/** The owner's own thread in its place: it looks every now and then, and finds what has not been reset before. */
class EventLook extends HeldWaiter implements PortWaiter {
  readonly #event: SimulatedEvent;
  readonly #callbacks: WaiterCallbacks;
  readonly #lookStep = new Step('owner looks at the event', () => this.#find(), true);
  readonly #failStep = new Step('the look at the event fails', () => this.#fail(), true);
  #armed = false;
  #fault = 0;

  constructor(platform: SimulatedProcess, event: SimulatedEvent, callbacks: WaiterCallbacks) {
    super(platform);
    this.#event = event;
    this.#callbacks = callbacks;
    event.onSet.add(this.#update);
    this.updateHold();
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    this.#armed = true;
    this.#fault = this.platform.waitFault(WAIT);
    this.platform.network.agenda.set(this.#failStep, this.#fault !== 0);
    this.#update();
    this.updateHold();
  }

  stop(): Promise<void> {
    this.#detach();
    this.platform.network.agenda.remove(this.#failStep);
    this.#event.onSet.delete(this.#update);
    return Promise.resolve();
  }

  #find(): void {
    this.waits++;
    this.#event.isSet = false;
    this.taken = 1;
    this.#detach();
    this.#callbacks.onReady();
  }

  #fail(): void {
    this.waits++;
    this.#detach();
    this.#callbacks.onFailure(new Win32Error(WAIT, this.#fault));
  }

  #detach(): void {
    this.#armed = false;
    this.#update();
    this.updateHold();
  }

  readonly #update = (): void => {
    this.platform.network.agenda.set(this.#lookStep, this.#armed && this.#fault === 0 && this.#event.isSet);
  };

  protected override get holds(): boolean {
    return this.referenced && this.#armed;
  }
}
