/**
 * The waiter thread of a simulated process, as the library's own ThreadWaiter sees a real one.
 *
 *   starts ──step──► ready ──let in──► waits ──step: takes a batch──► rung ──step: the wake-up arrives──► ready
 *                                                                └─step─► blocks again
 *
 * Its wait may fail (faults.plan): it says so, and ends.
 *
 * A process may have threads that die (faults.threads): before they are ready, while they wait, with packets in hand that
 * they have told nobody of, or with a wake-up on its way. Their end is heard one step later.
 */
import { OVERLAPPED_ENTRY } from '../../../ffi/layouts.ts';
import { WAKE_KEY } from '../../iocp/completion-key.ts';
import type { PortWaiter, WaiterParts } from '../../platform/platform.ts';
import { PERMIT_PROTOCOL, READY } from '../../wait/wait-permit.ts';
import { ThreadWaiter, type WaiterListener, type WaiterThread } from '../../wait/thread-waiter.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { Step } from '../schedule/agenda.ts';
import type { CompletionPort } from '../kernel/completion-port.ts';
import { dequeue } from '../win32/kernel32.ts';
import { portOf, SimulatedWaiter } from './waiter.ts';

const { COUNT, PERMIT, WITHHELD, GRANTED } = PERMIT_PROTOCOL;

/** A waiter whose waits run in another thread. */
export function createThreadWaiter(platform: SimulatedProcess, parts: WaiterParts): PortWaiter {
  const { batch, countAddress, entries } = parts.port;
  const first = entries.subarray(0, OVERLAPPED_ENTRY.size / Uint32Array.BYTES_PER_ELEMENT);
  const count = new Uint32Array(batch.buffer, countAddress - batch.address, 1);
  let thread: SimulatedThreadWaiter | null = null;
  return new ThreadWaiter({
    start: (control, listener) => (thread = new SimulatedThreadWaiter(platform, parts, control, listener)),
    prepare: () => {
      first.fill(0);
      thread?.letIn();
    },
    interrupt: () => thread?.interrupt(),
    substitute: (callbacks) => new SimulatedWaiter(platform, { ...parts, ...callbacks }),
    recover: () => (first.some((word) => word !== 0) ? (count[0] ?? 0) : 0),
    onLost: (error) => {
      platform.waitersLost++;
      platform.network.note(() => `${platform.name}: ${error.message}`);
    },
    onReady: parts.onReady,
    onFailure: parts.onFailure,
  });
}

class SimulatedThreadWaiter implements WaiterThread {
  readonly #platform: SimulatedProcess;
  readonly #parts: WaiterParts;
  readonly #control: Int32Array;
  readonly #listener: WaiterListener;
  readonly #port: CompletionPort;
  readonly #readyStep = new Step('waiter is ready', () => this.#begin(), true);
  readonly #takeStep = new Step('waiter takes packets', () => this.#takeBatch());
  readonly #ringStep = new Step('wake-up', () => this.#ring(), true);
  readonly #blockStep = new Step('waiter blocks', () => this.#block());
  readonly #failStep = new Step('the wait of the waiter fails', () => this.#fail(), true);
  readonly #dieStep = new Step('waiter dies', () => this.#die());
  readonly #endStep = new Step('end of the waiter', () => this.#end(), true);
  #letInBy = false;
  /** The code that its wait fails with, or 0. */
  #fault = 0;
  #dead = false;
  #referenced = true;
  #holding = false;

  constructor(platform: SimulatedProcess, parts: WaiterParts, control: Int32Array, listener: WaiterListener) {
    this.#platform = platform;
    this.#parts = parts;
    this.#control = control;
    this.#listener = listener;
    this.#port = portOf(platform, parts.port.handle);
    this.#port.onPacket.add(this.#update);
    platform.network.agenda.add(this.#readyStep);
    this.#updateHold();
  }

  ref(): void {
    this.#referenced = true;
    this.#updateHold();
  }

  unref(): void {
    this.#referenced = false;
    this.#updateHold();
  }

  /** The permit is about to be granted. */
  letIn(): void {
    this.#letInBy = true;
    this.#port.waited = true;
    if (this.#mayDie()) this.#platform.network.agenda.add(this.#dieStep);
    this.#fault = this.#platform.waitFault('GetQueuedCompletionStatusEx');
    this.#platform.network.agenda.set(this.#failStep, this.#fault !== 0);
    this.#update();
  }

  /** The permit says STOP: a packet wakes it, and it may take others with that. */
  interrupt(): void {
    this.#port.push({ key: WAKE_KEY, overlapped: 0, status: 0, bytes: 0, io: null });
    if (this.#dead) return; // its end will be heard
    const { network } = this.#platform;
    if (this.#letInBy && !this.#isRung && this.#fault === 0 && network.maybe()) {
      Atomics.store(this.#control, COUNT, this.#fill());
      // Its last wake-up arrives before its end, unless it was never sent.
      if (network.maybe()) this.#ring();
    } else if (this.#isRung) this.#ring();
    this.#end();
  }

  get #isRung(): boolean {
    return this.#ringStep.place >= 0;
  }

  #begin(): void {
    if (this.#mayDie()) this.#die();
    else this.#listener.message(READY);
  }

  #takeBatch(): void {
    const found = this.#fill();
    // Between any two of its steps.
    if (this.#mayDie()) return this.#die();
    Atomics.store(this.#control, COUNT, found);
    if (this.#mayDie()) return this.#die();
    Atomics.compareExchange(this.#control, PERMIT, GRANTED, WITHHELD);
    this.#platform.network.agenda.add(this.#ringStep);
    if (this.#port.running > 0) this.#platform.network.agenda.add(this.#blockStep);
    this.#update();
  }

  #fill(): number {
    const { batch, capacity, countAddress } = this.#parts.port;
    Atomics.add(this.#control, PERMIT_PROTOCOL.WAITS, 1);
    const found = dequeue(this.#platform, this.#port, batch.address, capacity, countAddress);
    // (Where another thread is not held up by it, nobody can tell: a step less in every order.)
    if (this.#platform.profile.limitsConcurrency && this.#port.concurrency === 1) this.#port.running = 1;
    return found;
  }

  #block(): void {
    this.#port.running = 0;
  }

  #ring(): void {
    this.#platform.network.agenda.remove(this.#ringStep);
    this.#detach();
    this.#platform.network.note(() => `${this.#platform.name}: wake-up`);
    this.#listener.message(null);
    this.#update();
  }

  /** It says so, and comes to its end. */
  #fail(): void {
    Atomics.add(this.#control, PERMIT_PROTOCOL.WAITS, 1);
    this.#detach();
    this.#listener.message({ syscall: 'GetQueuedCompletionStatusEx', systemErrorCode: this.#fault });
    this.#die();
  }

  /** It runs no code any more. A message that it has posted is still heard. */
  #die(): void {
    const { agenda } = this.#platform.network;
    this.#dead = true;
    for (const step of [this.#readyStep, this.#takeStep, this.#failStep, this.#dieStep]) agenda.remove(step);
    this.#block();
    agenda.add(this.#endStep);
  }

  #end(): void {
    const { agenda } = this.#platform.network;
    if (this.#isRung) this.#ring();
    const steps = [this.#readyStep, this.#takeStep, this.#blockStep, this.#failStep, this.#dieStep, this.#endStep];
    for (const step of steps) agenda.remove(step);
    this.#block();
    this.#detach();
    this.#port.onPacket.delete(this.#update);
    const died = this.#dead;
    this.#dead = true;
    this.#holding = this.#hold(false);
    this.#listener.ended(died ? new Error('The waiter thread has died') : null);
  }

  #detach(): void {
    this.#letInBy = false;
    this.#port.waited = false;
  }

  #mayDie(): boolean {
    return !this.#dead && this.#platform.faults?.kills() === true;
  }

  readonly #update = (): void => {
    const waits = this.#letInBy && !this.#isRung && !this.#dead && this.#fault === 0;
    this.#platform.network.agenda.set(this.#takeStep, waits && this.#port.packets.length > 0);
  };

  /** A worker_thread keeps the process alive while it lives and is ref'd. */
  #updateHold(): void {
    this.#holding = this.#hold(this.#referenced);
  }

  #hold(wanted: boolean): boolean {
    if (wanted !== this.#holding) this.#platform.hold(wanted ? 1 : -1);
    return wanted;
  }
}
