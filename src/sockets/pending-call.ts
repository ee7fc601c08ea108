/**
 * Calls that somebody waits for: their names, their deadlines, their signals.
 *
 * A call is *begun* when it is queued, and *ended* when its callback is certain to run. Between the two it can be
 * *cancelled*: by cancel(), by its deadline, by its signal. Cancelling is a request. What the kernel has is cancelled there,
 * and the packet brings the outcome: a success that was on its way wins, and so do its bytes.
 */
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { DeadlineEntry, wheelOf, type DeadlineWheel } from '../loop/deadline-wheel.ts';
import { aborted, connectionClosed, timedOut, type OperationName } from '../util/errors.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import type { Scheduler } from '../platform/platform.ts';
import { LAST_OPERATION_COUNT, operationBase } from '../util/pal-number.ts';
import { unwatchSignal, watchSignal, type SignalCalls } from './signal-calls.ts';
import type { SocketRecord } from './socket-record.ts';

/** The handle of no call. */
export const NO_OPERATION = 0 as OperationHandle;
/** Names that are found without a hash; older calls that are still pending move to a map. A power of two. */
const RECENT = 4096;

/** The deadline and the signal of a call. */
export class CallLimits extends DeadlineEntry {
  readonly call: PendingCall;
  /** Milliseconds that it was given, for the message. */
  timeout = 0;
  signal: AbortSignal | null = null;
  /** Who takes it back when its signal is aborted. */
  pendingCalls: PendingCalls | null = null;
  /** Its place among the calls of its signal. Only signal-calls.ts writes these three. */
  signalCalls: SignalCalls | null = null;
  beforeOfSignal: CallLimits | null = null;
  afterOfSignal: CallLimits | null = null;

  constructor(call: PendingCall) {
    super();
    this.call = call;
  }
}

/** One asyncRead, asyncWrite, asyncAccept, … */
export abstract class PendingCall {
  /** For messages. */
  abstract readonly operation: OperationName;
  /** The handle that was given out; 0 when the call is not pending. */
  name = 0;
  owner: SocketRecord | null = null;
  /** Made when a call first has some, which most have not: it is kept for those that use the request again. */
  limits: CallLimits | null = null;
  /** It was cancelled while it began, or while the kernel had it: what its callback gets unless it succeeded nevertheless. */
  cancellation: NetworkError | null = null;
}

/**
 * Why a call that has just begun is over already, or null. The caller's own code may run while it begins (a hook of async_hooks
 * that sees its resource made, a signal of somebody's own making) and may close the socket, stop the loop or abort the
 * signal. So what a call does with its socket follows from the socket's state after its beginning, never from what was
 * seen before.
 */
export function whyOver(call: PendingCall, socket: SocketRecord): NetworkError | null {
  return socket.closing ? connectionClosed(call.operation) : call.cancellation;
}

/**
 * Tries to end a call with an error. Returns false when its outcome is on the way already, or when it is a write that has
 * partly gone out and `hard` is false.
 */
export type Cancel = (call: PendingCall, error: NetworkError, hard: boolean) => boolean;

/** Numbers the calls of a PAL, also from run to run: cancel() with a name of an earlier run must find no call of this one. */
export class CallNames {
  readonly #base: number;
  #last = 0;

  /** @param pal number of the PAL, which the names carry: cancel() with another one's name must find no call of this one */
  constructor(pal: number) {
    this.#base = operationBase(pal);
  }

  /** 1 … 2^27 - 1 above the PAL's base, and again: all of them small integers of V8, so that a name costs no memory. */
  next(): number {
    const next = this.#last === LAST_OPERATION_COUNT ? 1 : this.#last + 1;
    this.#last = next;
    return this.#base + next;
  }
}

export class PendingCalls {
  readonly #cancel: Cancel;
  readonly #wheel: DeadlineWheel<CallLimits>;
  /** Up to RECENT of them, made as they are used: few PALs come to have so many calls. */
  readonly #recent: (PendingCall | null)[] = [];
  readonly #old = new Map<number, PendingCall>();
  readonly #names: CallNames;

  constructor(scheduler: Scheduler, loop: EventLoop, names: CallNames, cancel: Cancel) {
    this.#names = names;
    this.#cancel = cancel;
    this.#wheel = wheelOf(loop, scheduler, ({ call, timeout }) =>
      this.#cancel(call, timedOut(call.operation, timeout), true),
    );
  }

  get deadlines(): number {
    return this.#wheel.size;
  }

  /**
   * A call is pending from now on. The options have been checked, and the signal is not aborted. When it throws (a signal of
   * somebody's own making), it is not.
   */
  begin(call: PendingCall, owner: SocketRecord, options: OperationOptions | null): OperationHandle {
    call.owner = owner;
    const name = this.#name(call);
    if (options !== null) this.#limit(call, options);
    return name as OperationHandle;
  }

  #limit(call: PendingCall, options: OperationOptions): void {
    try {
      this.#watch(call, options);
    } catch (error) {
      this.end(call);
      throw error;
    }
  }

  /** Its callback is certain to run. Does nothing for a call that was not begun. */
  end(call: PendingCall): void {
    const { name } = call;
    if (name === 0) return;
    // Whoever called is not kept until so many other calls have come by.
    if (this.#old.size === 0 || !this.#old.delete(name)) this.#recent[-name & (RECENT - 1)] = null;
    call.name = 0;
    call.owner = null;
    call.cancellation = null;
    if (call.limits !== null) this.#unwatch(call.limits);
  }

  find(name: number): PendingCall | null {
    if (name === NO_OPERATION) return null; // every call that has ended is named so
    const call = this.#recent[-name & (RECENT - 1)] ?? null;
    return call?.name === name ? call : (this.#old.get(name) ?? null);
  }

  cancel(call: PendingCall, error: NetworkError, hard: boolean): boolean {
    return this.#cancel(call, error, hard);
  }

  abort({ call, signal }: CallLimits): void {
    if (signal !== null) this.#cancel(call, aborted(call.operation, signal), true);
  }

  dispose(): void {
    this.#wheel.dispose();
  }

  #name(call: PendingCall): number {
    const number = this.#old.size === 0 ? this.#names.next() : this.#nextUnused();
    const place = number & (RECENT - 1);
    // (Of most calls before it the place is free again.)
    if (this.#recent[place] !== null) this.#makeRoom(place);
    this.#recent[place] = call;
    return (call.name = -number);
  }

  #nextUnused(): number {
    let number: number;
    do number = this.#names.next();
    while (this.#old.has(-number));
    return number;
  }

  #makeRoom(place: number): void {
    while (this.#recent.length <= place) this.#recent.push(null);
    const former = this.#recent[place] ?? null;
    // (A call that has ended has left its place, and one that is old has another.)
    if (former !== null) this.#old.set(former.name, former);
  }

  #watch(call: PendingCall, { timeout, signal }: OperationOptions): void {
    if (timeout === undefined && signal === undefined) return;
    const limits = (call.limits ??= new CallLimits(call));
    if (timeout !== undefined) {
      limits.timeout = timeout;
      this.#wheel.add(limits, timeout);
    }
    if (signal !== undefined) {
      limits.signal = signal;
      limits.pendingCalls = this;
      watchSignal(limits, signal);
      // By what has run since it was looked at before: it calls no listener any more.
      if (signal.aborted) call.cancellation = aborted(call.operation, signal);
    }
  }

  #unwatch(limits: CallLimits): void {
    if (limits.timeout !== 0) {
      this.#wheel.remove(limits);
      limits.timeout = 0;
    }
    if (limits.signal !== null) {
      unwatchSignal(limits);
      limits.signal = null;
      limits.pendingCalls = null;
    }
  }
}
