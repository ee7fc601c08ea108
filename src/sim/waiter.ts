/**
 * The waiters of a simulated process. 'worker': another thread takes a batch (one step), and its message arrives in a
 * later turn (another). 'inline': the owner's own thread takes the batch and goes on with it.
 */
import { WAKE_KEY } from '../iocp/completion-key.ts';
import type { PollerKind, PortWaiter, WaiterParts } from '../winsock/kernel.ts';
import { Step } from './agenda.ts';
import { HeldWaiter } from './held-waiter.ts';
import type { SimulatedKernel } from './kernel.ts';
import { CompletionPort } from './port.ts';
import { SimulationError } from './simulation-error.ts';

export class SimulatedWaiter extends HeldWaiter implements PortWaiter {
  readonly #kind: PollerKind;
  readonly #parts: WaiterParts;
  readonly #port: CompletionPort;
  readonly #takeStep: Step;
  readonly #ringStep: Step;
  #armed = false;
  #rung = false;
  #stopped = false;

  constructor(kernel: SimulatedKernel, kind: PollerKind, parts: WaiterParts) {
    super(kernel);
    const port = kernel.handle(parts.port);
    if (!(port instanceof CompletionPort)) throw new SimulationError(`A waiter for ${parts.port}, which is no port`);
    this.#kind = kind;
    this.#parts = parts;
    this.#port = port;
    this.#takeStep = new Step('waiter takes packets', this.#takeBatch, kind === 'inline');
    this.#ringStep = new Step('doorbell', this.#ring, true);
    port.onPacket = () => {
      this.#update();
    };
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
    this.#update();
  }

  stop(): Promise<void> {
    // A worker is woken by a packet, and may take others with it.
    if (this.#kind === 'worker') {
      this.#port.push({ key: WAKE_KEY, overlapped: 0, status: 0, bytes: 0, io: null });
      if (this.#armed && !this.#rung && this.kernel.network.maybe()) this.taken += this.#fill();
    }
    this.#stopped = true;
    this.#armed = false;
    this.#rung = false;
    this.#port.waited = false;
    this.#update();
    this.updateHold();
    return Promise.resolve();
  }

  readonly #takeBatch = (): void => {
    const count = this.#fill();
    this.taken += count;
    if (this.#kind === 'worker') {
      this.#rung = true;
      this.#update();
    } else this.#ring();
  };

  readonly #ring = (): void => {
    this.#rung = false;
    this.#armed = false;
    this.#port.waited = false;
    this.updateHold();
    this.kernel.network.note(() => `${this.kernel.name}: doorbell, ${this.taken} packets`);
    this.#parts.onReady();
    this.#update();
  };

  #fill(): number {
    this.waits++;
    const { mailbox } = this.#parts;
    return this.kernel.dequeue(this.#port, mailbox.region.address, mailbox.capacity, mailbox.countAddress);
  }

  #update(): void {
    const { agenda } = this.kernel.network;
    agenda.set(this.#takeStep, this.#armed && !this.#rung && this.#port.packets.length > 0);
    agenda.set(this.#ringStep, this.#rung);
  }

  /** A worker_thread keeps the process alive while it lives and is ref'd; an immediate only while it is planned. */
  protected override get holds(): boolean {
    return this.referenced && !this.#stopped && (this.#kind === 'worker' || this.#armed);
  }
}
