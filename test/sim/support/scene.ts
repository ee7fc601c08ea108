/** What all scenes have in common: one operation, its callback, what meets it, and what must be left of it. */
import {
  NetworkErrorCode,
  type NetworkError,
  type NetworkPal,
  type OperationHandle,
  type OperationOptions,
  type SocketHandle,
  type UdpHandle,
} from '../../../src/index.ts';
import type { ProfileName, SimulatedPlatform } from '../../../src/sim/index.ts';
import { Step } from '../../../src/sim/schedule/agenda.ts';
import type { IoKind } from '../../../src/sim/machine/machine.ts';
import type { EventName, OperationName, Outcome } from '../orders/outcomes.ts';

export interface Setting {
  readonly operation: OperationName;
  readonly event: EventName;
  /** The operation could complete at the same moment. */
  readonly race: boolean;
  readonly profile: ProfileName;
  readonly skips: boolean;
  readonly waiter: 'worker' | 'inline';
  /** The operation takes the second of its ways through the library, see SECOND_WAYS. */
  readonly second: boolean;
}

/** Operations that go two ways through the library, and what the second one is. */
const SECOND_WAYS: Partial<Readonly<Record<OperationName, string>>> = {
  read: 'bytes have come before: the receive waits in a buffer, and not without one',
  sendFile: 'a descriptor that node:fs reads from, and WSASend sends: no TransmitFile',
  receiveFrom: 'a datagram has come before: two receives are posted already',
  sendTo: 'no slot is free: it waits in its socket’s queue',
};

/** What holds the slots that a 'sendTo' lacks would end together with it, in more orders than can be walked through. */
export function hasSecondWay(operation: OperationName, event: EventName): boolean {
  return operation in SECOND_WAYS && !(operation === 'sendTo' && event === 'stopEventLoop');
}

/** Events that take the call back, and leave the socket as it is. */
const TAKING_BACK: readonly EventName[] = ['cancel()', 'cancel(hard)', 'abort of its signal', 'timeout'];

export abstract class Scene {
  /** What cancel() takes. */
  protected operation = 0 as OperationHandle | SocketHandle;
  protected readonly setting: Setting;
  protected readonly pal: NetworkPal;
  protected readonly platform: SimulatedPlatform;
  readonly #controller = new AbortController();
  #outcome: Outcome = 'still pending';
  #calls = 0;
  #closes = 0;
  #closesExpected = 0;
  #closeSeen = false;
  done = false;
  /** All that the tree decides is decided. */
  over = false;

  constructor(setting: Setting, pal: NetworkPal, platform: SimulatedPlatform) {
    this.setting = setting;
    this.pal = pal;
    this.platform = platform;
  }

  /** The kind of the kernel's operations whose packets end the call. */
  abstract get kind(): IoKind;

  /** The socket that the event happens to. */
  protected abstract get socket(): SocketHandle | UdpHandle;

  /** Everything up to the moment before the operation. */
  abstract prepare(): void;

  protected abstract start(): void;

  /** What lets the operation complete. */
  protected abstract complete(): void;

  /** Nothing has to come for that. */
  protected completesByItself(): boolean {
    return false;
  }

  /** The event comes after what completes the operation, which brings it about. */
  protected eventFollows(): boolean {
    return false;
  }

  /** Nothing is possible any more: what came for the operation and was not taken must be there, once. */
  abstract checkNothingLost(settle: () => void): Promise<void>;

  get outcome(): Outcome {
    return this.#outcome;
  }

  /** The operation begins; what completes it and what meets it may come at any moment from now on. */
  begin(): void {
    const { event, race } = this.setting;
    this.start();
    if (race && !this.completesByItself()) this.later('completion', () => this.complete());
    if (event !== 'nothing' && !this.eventFollows()) this.later(event, () => this.happen(event));
  }

  /** After the end: one callback, before that of close. */
  check(): void {
    const { ledger, memory, files, openHandles } = this.platform;
    if (this.#calls !== 1) throw new Error(`${this.#calls} callbacks`);
    if (this.#closes !== this.#closesExpected) throw new Error(`${this.#closes} close callbacks`);
    if (openHandles + ledger.size + memory.regions + files.openCount > 0)
      throw new Error('Something is left in the kernel');
  }

  /** Something that the test does, at any moment from now on. */
  protected later(what: string, run: () => void): void {
    this.platform.network.agenda.add(new Step(what, run, true));
  }

  /** The event was one that takes the call back, and it did. */
  protected get isTakenBack(): boolean {
    return TAKING_BACK.includes(this.setting.event) && this.done && this.#outcome !== 'success';
  }

  /** Of the operation. */
  protected get options(): OperationOptions {
    const { event } = this.setting;
    return {
      ...(event === 'timeout' && { timeout: 50 }),
      ...(event === 'abort of its signal' && { signal: this.#controller.signal }),
    };
  }

  protected ended(error: NetworkError | null, success: Outcome = 'success'): void {
    this.#calls++;
    if (this.#closeSeen) throw new Error('The callback came after that of close');
    if (!this.done) this.#outcome = error === null ? success : (`${error.code} ${kindName(error)}` as Outcome);
    this.done = true;
  }

  protected happen(event: EventName): void {
    const { pal, socket } = this;
    const closed = (): void => {
      this.#closes++;
      this.#closeSeen = true;
    };
    if (event === 'closeSocket' || event === 'resetSocket') {
      this.#closesExpected++;
      if (event === 'closeSocket') pal.closeSocket(socket, closed);
      else pal.resetSocket(socket as SocketHandle, closed);
    } else if (event === 'stopEventLoop') void pal.stopEventLoop();
    else if (event === 'timeout') this.platform.network.passTime();
    else if (event === 'cancel()') pal.cancel(this.operation);
    else if (event === 'cancel(hard)') pal.cancel(this.operation, { hard: true });
    else if (event === 'abort of its signal') this.#controller.abort();
    else throw new Error(`Nobody makes ${event} happen`);
  }
}

function kindName({ kind }: NetworkError): string {
  return Object.entries(NetworkErrorCode).find(([, value]) => value === kind)?.[0] ?? String(kind);
}
