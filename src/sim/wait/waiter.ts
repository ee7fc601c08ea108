/**
 * The inline waiter of a simulated process, and what stands in for a waiter thread that is not there: the owner's own
 * thread takes the batch and goes on with it. The waiter thread itself: thread-waiter.ts.
 */
import { Win32Error } from '../../../ffi/check.ts';
import type { PortWaiter, WaiterParts } from '../../platform/platform.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { Step } from '../schedule/agenda.ts';
import { CompletionPort } from '../kernel/completion-port.ts';
import { dequeue } from '../win32/kernel32.ts';
import { HeldWaiter } from './held-waiter.ts';

export class SimulatedWaiter extends HeldWaiter implements PortWaiter {
  readonly #parts: WaiterParts;
  readonly #port: CompletionPort;
  readonly #takeStep: Step;
  readonly #failStep: Step;
  #armed = false;
  #stopped = false;
  /** The code that its wait fails with, or 0. */
  #fault = 0;

  constructor(platform: SimulatedProcess, parts: WaiterParts) {
    super(platform);
    this.#parts = parts;
    this.#port = portOf(platform, parts.port.handle);
    this.#takeStep = new Step('waiter takes packets', this.#takeBatch, true);
    this.#failStep = new Step('the wait fails', this.#fail, true);
    this.#port.onPacket.add(this.#update);
    this.updateHold();
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    if (this.#stopped) throw new SimulationError('A waiter was armed after it had been stopped');
    this.#armed = true;
    this.#port.waited = true;
    this.updateHold();
    this.#fault = this.platform.waitFault('GetQueuedCompletionStatusEx');
    this.platform.network.agenda.set(this.#failStep, this.#fault !== 0);
    this.#update();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.platform.network.agenda.remove(this.#failStep);
    this.#detach();
    this.#port.onPacket.delete(this.#update);
    return Promise.resolve();
  }

  readonly #takeBatch = (): void => {
    const { port, onReady } = this.#parts;
    this.waits++;
    this.taken += dequeue(this.platform, this.#port, port.batch.address, port.capacity, port.countAddress);
    this.#detach();
    this.platform.network.note(() => `${this.platform.name}: waited, ${this.taken} packets`);
    onReady();
    this.#update();
  };

  readonly #fail = (): void => {
    this.waits++;
    this.#detach();
    this.#parts.onFailure(new Win32Error('GetQueuedCompletionStatusEx', this.#fault));
  };

  #detach(): void {
    this.#armed = false;
    this.#port.waited = false;
    this.updateHold();
    this.#update();
  }

  readonly #update = (): void => {
    const possible = this.#armed && this.#fault === 0 && this.#port.packets.length > 0;
    this.platform.network.agenda.set(this.#takeStep, possible);
  };

  /** It holds the process only while it is planned. */
  protected override get holds(): boolean {
    return this.referenced && !this.#stopped && this.#armed;
  }
}

/** The port of a handle. */
export function portOf(platform: SimulatedProcess, handle: number): CompletionPort {
  const port = platform.handle(handle);
  if (!(port instanceof CompletionPort)) throw new SimulationError(`A waiter for ${handle}, which is no port`);
  return port;
}
