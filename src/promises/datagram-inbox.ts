/**
 * Whose an arriving datagram is: that of the first call which waits for one like it, or nobody's yet. One receive is under way
 * while anybody waits, so what is left in the system's buffer stays there.
 */
import type { Endpoint } from '../pal/handles.ts';
import type { OperationOptions } from '../pal/pending-operation.ts';
import type { Scheduler, TimerHandle } from '../platform/platform.ts';
import { requireInteger } from '../util/validate.ts';
import { aborted, timedOut } from './sockets/deadline.ts';
import { closedHere } from './sockets/errors.ts';
import type { DatagramCallback, DatagramChannel } from './sockets/network-sockets.ts';

/** A datagram that has come. */
export interface Datagram {
  /** Its bytes, which are yours to keep. */
  readonly data: Buffer;
  /** Who sent it. */
  readonly remote: Endpoint;
  /** Bytes that it had: more than `data` has when the socket's maxDatagramSize has cut it. */
  readonly size: number;
}

/** A call that waits. */
interface Waiter {
  /** What it waits for: null is any datagram that no request waits for. */
  readonly match: ((datagram: Datagram) => boolean) | null;
  readonly resolve: (datagram: Datagram) => void;
  readonly reject: (error: Error) => void;
  /** Takes its timer and its listener back. */
  over: () => void;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** Bytes that are kept of what came while only requests waited. What is beyond is dropped, as the system does it. */
const MAX_HELD_BYTES = 2 ** 20;
/** What a datagram takes of that at least, so that empty ones have an end too. */
const LEAST_BYTES = 512;

export class DatagramInbox {
  readonly #channel: DatagramChannel;
  readonly #scheduler: Scheduler;
  readonly #waiters: Waiter[] = [];
  readonly #held: Datagram[] = [];
  #heldBytes = 0;
  /** Ends the receive that is under way. */
  #receiving: AbortController | null = null;
  #isClosed = false;

  constructor(channel: DatagramChannel, scheduler: Scheduler) {
    this.#channel = channel;
    this.#scheduler = scheduler;
  }

  /** The next datagram that matches. @param match null: the next one that no request waits for */
  next(match: Waiter['match'], options: OperationOptions): Promise<Datagram> {
    const { signal, timeout } = options;
    if (timeout !== undefined) requireInteger('timeout', timeout, 1, MAX_TIMEOUT_MS);
    const held = match === null ? this.#held.shift() : undefined;
    if (held !== undefined) {
      this.#heldBytes -= sizeOf(held);
      return Promise.resolve(held);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { match, resolve, reject, over: () => undefined };
      this.#waiters.push(waiter);
      if (signal !== undefined || timeout !== undefined) this.#bound(waiter, signal, timeout);
      this.#receive();
    });
  }

  /** Rejects the call that waits for this. */
  giveUp(match: Waiter['match'], error: Error): void {
    const waiter = this.#waiters.find((other) => other.match === match);
    if (waiter !== undefined) this.#fail(waiter, error);
  }

  /** Rejects every call. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of [...this.#waiters]) this.#fail(waiter, closedHere('socket'));
  }

  #bound(waiter: Waiter, signal: AbortSignal | undefined, timeout: number | undefined): void {
    const onAbort = (): void => {
      if (signal !== undefined) this.#fail(waiter, aborted(signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    let timer: TimerHandle | undefined;
    if (timeout !== undefined) timer = this.#scheduler.setTimer(timeout, () => this.#fail(waiter, timedOut(timeout)));
    waiter.over = () => {
      signal?.removeEventListener('abort', onAbort);
      if (timer !== undefined) this.#scheduler.clearTimer(timer);
    };
  }

  #fail(waiter: Waiter, error: Error): void {
    if (!this.#leave(waiter)) return;
    waiter.reject(error);
    // Nobody is left: what is in the system's buffer stays there, and the process may end.
    if (this.#waiters.length === 0) this.#receiving?.abort();
  }

  #leave(waiter: Waiter): boolean {
    const place = this.#waiters.indexOf(waiter);
    if (place === -1) return false;
    this.#waiters.splice(place, 1);
    waiter.over();
    return true;
  }

  #receive(): void {
    if (this.#receiving !== null || this.#waiters.length === 0 || this.#isClosed) return;
    this.#receiving = new AbortController();
    this.#channel.receive({ signal: this.#receiving.signal }, this.#onDatagram);
  }

  readonly #onDatagram: DatagramCallback = (error, view, remote, size) => {
    const wasGivenUp = this.#receiving?.signal.aborted === true;
    this.#receiving = null;
    const first = this.#waiters[0];
    if (error === null) this.#deliver({ data: Buffer.from(view), remote, size });
    else if (first !== undefined && !wasGivenUp) this.#fail(first, error);
    this.#receive(); // for whoever still waits, or has come since
  };

  #deliver(datagram: Datagram): void {
    const asked = this.#waiters.find(({ match }) => match?.(datagram) === true);
    const waiter = asked ?? this.#waiters.find(({ match }) => match === null);
    if (waiter !== undefined) {
      this.#leave(waiter);
      waiter.resolve(datagram);
    } else if (this.#heldBytes + sizeOf(datagram) <= MAX_HELD_BYTES) {
      this.#held.push(datagram);
      this.#heldBytes += sizeOf(datagram);
    }
  }
}

function sizeOf({ data }: Datagram): number {
  return Math.max(LEAST_BYTES, data.length);
}
