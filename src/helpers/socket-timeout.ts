/**
 * Time limits for connections, over any NetworkPal: one timer for all sockets of a limit, and O(1) for each call.
 *
 * All deadlines of a limit lie the same time ahead, so that the order in which they are set is the order in which they
 * come: a linked list in that order is the whole data structure. A touch moves an entry to its end; the one timer stands
 * at the deadline that was first when it was set, and when it fires too soon because of touches, it is set again.
 * It never fires early, and does not keep the process alive.
 *
 * A thread that was busy, and comes to its timers before it comes to the network, has not listened: what its sockets have
 * said meanwhile waits to be read. So a timer that fires late is no judge; it is set once more, for as long as it was late.
 */
import type { SocketHandle } from '../pal/handles.ts';
import type { NetworkPal } from '../pal/network-pal.ts';
import { BoundCallback, CONTEXT_TYPES } from '../platform/async-context.ts';
import { nodeScheduler } from '../platform/node-scheduler.ts';
import { requireInteger, requireFunction } from '../util/validate.ts';
import { readOptions, type OptionNames } from '../util/read-options.ts';
import type { Scheduler, TimerHandle } from '../platform/platform.ts';

/** Longest limit, ms: what Node's timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A timer that fires this late, ms, was held up by more than the system's own coarseness (15.6 ms on Windows). */
const LATE_MS = 50;

/** Sockets whose time is over that one check handles: the others get the next one, a millisecond later. */
const SOCKETS_PER_LOOK = 256;

/** Options of createIdleTimeout and createHeaderTimeout. */
export interface SocketTimeoutOptions {
  /** Milliseconds, 1 … 2^31-1. */
  ms: number;
  /** What to do with a socket whose time is over. Each limit has its own default. */
  onTimeout?: ((socket: SocketHandle) => void) | undefined;
  /** Time and timers; for tests. Default: Node's. */
  scheduler?: Pick<Scheduler, 'now' | 'setTimer' | 'clearTimer'> | undefined;
}

const OPTIONS: OptionNames<SocketTimeoutOptions> = { ms: false, onTimeout: false, scheduler: false };

/** A limit. It is given its sockets one by one, and knows nothing of what they do. */
export interface SocketTimeout {
  /**
   * Begins the socket's time, or begins it anew.
   * @throws NetworkError ERR_UNKNOWN_HANDLE, ERR_FOREIGN_HANDLE, or a TypeError for a server.
   */
  touch(socket: SocketHandle): void;
  /** The socket is no longer watched. Nothing happens when it was not. */
  stop(socket: SocketHandle): void;
  /** Sockets that are watched. */
  readonly size: number;
  /** Forgets all sockets and stops the timer. */
  dispose(): void;
}

/**
 * A limit on silence: touch() a socket when it is accepted, and whenever bytes have come from it or a write to it is done;
 * stop() it when you close it. A socket that nobody touched for `ms` is closed with closeSocket (default).
 * A forgotten stop() costs nothing but the entry: closing a closed socket does nothing.
 *
 * @example
 * const idle = createIdleTimeout(pal, { ms: 60_000 });
 * idle.touch(client);
 * pal.asyncRead(client, buffer, buffer.length, (error, bytes) => {
 *   if (error !== null || bytes === 0) { idle.stop(client); pal.closeSocket(client); return; }
 *   idle.touch(client);
 *   …
 */
export function createIdleTimeout(pal: NetworkPal, options: SocketTimeoutOptions): SocketTimeout {
  return make(pal, options, (socket) => pal.closeSocket(socket));
}

/**
 * A limit on how long a peer may take to say who it is, or to complete one message: touch() a socket when the wait begins,
 * and not again for the bytes that come meanwhile; stop() it when the header is complete. So a byte a second does not keep
 * a connection open. A socket whose time is over is reset with resetSocket (default), which leaves nothing behind, not even
 * a TIME_WAIT.
 */
export function createHeaderTimeout(pal: NetworkPal, options: SocketTimeoutOptions): SocketTimeout {
  return make(pal, options, (socket) => pal.resetSocket(socket));
}

function make(pal: NetworkPal, options: SocketTimeoutOptions, whenOver: (socket: SocketHandle) => void): SocketTimeout {
  const { ms, onTimeout = whenOver, scheduler = nodeScheduler } = readOptions<SocketTimeoutOptions>(options, OPTIONS);
  requireInteger('ms', ms, 1, MAX_TIMEOUT_MS);
  requireFunction('onTimeout', onTimeout);
  return new Deadlines(pal, ms, onTimeout, scheduler);
}

class Entry {
  readonly socket: SocketHandle;
  /** What is to be done, in the context of the touch that began to watch the socket. */
  readonly over: BoundCallback<[SocketHandle]>;
  at = 0;
  previous: Entry | null = null;
  next: Entry | null = null;

  constructor(socket: SocketHandle, whenOver: (socket: SocketHandle) => void) {
    this.socket = socket;
    this.over = new BoundCallback(CONTEXT_TYPES.timeout, whenOver);
  }
}

class Deadlines implements SocketTimeout {
  readonly #pal: NetworkPal;
  readonly #ms: number;
  readonly #whenOver: (socket: SocketHandle) => void;
  readonly #scheduler: Pick<Scheduler, 'now' | 'setTimer' | 'clearTimer'>;
  readonly #entries = new Map<SocketHandle, Entry>();
  #first: Entry | null = null;
  #last: Entry | null = null;
  #timer: TimerHandle | null = null;
  /** When the timer is to fire, and whether it is set once more because it was late. */
  #timerAt = 0;
  #excused = false;

  constructor(
    pal: NetworkPal,
    ms: number,
    whenOver: (socket: SocketHandle) => void,
    scheduler: Pick<Scheduler, 'now' | 'setTimer' | 'clearTimer'>,
  ) {
    this.#pal = pal;
    this.#ms = ms;
    this.#whenOver = whenOver;
    this.#scheduler = scheduler;
  }

  get size(): number {
    return this.#entries.size;
  }

  touch(socket: SocketHandle): void {
    let entry = this.#entries.get(socket);
    if (entry === undefined) {
      // Throws for what is no socket of this PAL: its time would be up in a timer, where nobody could catch that.
      this.#pal.getQueuedBytes(socket);
      entry = new Entry(socket, this.#whenOver);
      this.#entries.set(socket, entry);
    } else {
      this.#unlink(entry);
    }
    entry.at = this.#scheduler.now() + this.#ms;
    entry.previous = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#arm();
  }

  stop(socket: SocketHandle): void {
    const entry = this.#entries.get(socket);
    if (entry === undefined) return;
    this.#take(entry);
    entry.over.emitDestroy();
    if (this.#first === null) this.dispose();
  }

  dispose(): void {
    for (const { over } of this.#entries.values()) over.emitDestroy();
    this.#entries.clear();
    this.#first = null;
    this.#last = null;
    if (this.#timer !== null) this.#scheduler.clearTimer(this.#timer);
    this.#timer = null;
  }

  #take(entry: Entry): void {
    this.#entries.delete(entry.socket);
    this.#unlink(entry);
  }

  #unlink(entry: Entry): void {
    const { previous, next } = entry;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    entry.previous = null;
    entry.next = null;
  }

  /** Sets the timer for the first deadline, when there is one and no timer stands. */
  #arm(): void {
    if (this.#first === null || this.#timer !== null) return;
    this.#excused = false;
    this.#setTimer(this.#first.at - this.#scheduler.now());
  }

  #setTimer(ms: number): void {
    const wait = Math.max(1, Math.ceil(ms));
    this.#timerAt = this.#scheduler.now() + wait;
    this.#timer = this.#scheduler.setTimer(wait, this.#fire);
  }

  readonly #fire = (): void => {
    this.#timer = null;
    const now = this.#scheduler.now();
    const late = now - this.#timerAt;
    if (late > LATE_MS && !this.#excused) {
      this.#excused = true;
      this.#setTimer(Math.min(late, this.#ms));
      return;
    }
    try {
      let left = SOCKETS_PER_LOOK;
      for (let first = this.#first; first !== null && first.at <= now; first = this.#first) {
        if (left-- === 0) {
          this.#excused = true; // by the look that has begun
          this.#setTimer(0);
          return;
        }
        this.#take(first);
        first.over.finish(first.socket);
      }
    } finally {
      this.#arm(); // also after a callback threw
    }
  };
}
