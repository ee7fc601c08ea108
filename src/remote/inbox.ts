/**
 * The loop's end of its queue: takes what other threads submitted and has it carried out.
 *
 *   asleep ──REMOTE packet──► drain: up to RECORDS_PER_ROUND records ──nothing left──► asleep
 *                               │ ▲
 *                               └─┘ more: again in the next round, behind everybody else
 *
 * Stopping. close() ends all claiming and carries out what is complete, before any socket is closed: a write that was
 * submitted in time is flushed like one of the owner's. A record that a producer is writing at this very moment is
 * awaited; what it asks for meets sockets that are closing, and is answered like any other call then. The queue is
 * finished when no producer is inside any more, and only then may the port be closed that they would wake it through.
 */
import type { AnyHandle } from '../pal/handles.ts';
import type { Buffer } from 'node:buffer';
import type { ConnectionCallback, RemoteErrorCallback, RemotePostCallback } from '../pal/loops.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import { bound } from '../platform/async-context.ts';
import type { Counters } from '../loop/counters.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import type { Scheduler } from '../platform/platform.ts';
import { RemoteCommand } from './commands.ts';
import { allocateRing } from './ring-layout.ts';
import type { PostNumbers } from './post-numbers.ts';
import { RingConsumer, type RingRecord } from './ring.ts';

/** Records per round of a turn: a batch from the port has as many packets. */
const RECORDS_PER_ROUND = 128;
/** Milliseconds between two looks at a producer that a stop waits for: it needs microseconds, unless it was suspended. */
const PRODUCER_POLL_MS = 1;
/** Milliseconds that a stop waits for a producer in the middle of a submission: by then its thread was terminated. */
const PRODUCER_PATIENCE_MS = 5000;

/** Carries out what can be submitted. */
export interface RemoteTarget {
  /** Throws when it cannot start; `done` gets the failure that comes later. */
  write(socket: number, data: Uint8Array, done: (error: NetworkError | null) => void): void;
  close(socket: number): void;
  stop(): void;
  /** Takes over a connected SOCKET; `payload` says what is known of it. Throws when nobody wants it. */
  acceptConnection(socket: number, payload: Buffer): void;
}

export interface InboxParts {
  readonly loop: EventLoop;
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly target: RemoteTarget;
  readonly posts: PostNumbers;
}

export class RemoteInbox {
  /** The queue, for the token. */
  readonly queue: SharedArrayBuffer;
  /** Called with failures. */
  onError: RemoteErrorCallback | null = null;
  readonly #parts: InboxParts;
  readonly #ring: RingConsumer;
  readonly #posts = new Map<number, RemotePostCallback>();
  #onConnection: ConnectionCallback | null = null;
  /**
   * Nothing more will come. Kept, since the ring alone does not say so for good: a thread that is being told that the queue
   * is closed counts as inside for that moment, and may do so at the very one at which the loop looks whether it can end.
   */
  #finished = false;
  /** Scheduler milliseconds at which a stop stops waiting for producers. */
  #patienceEnds = 0;

  constructor(parts: InboxParts, byteLength: number) {
    this.#parts = parts;
    this.queue = allocateRing(byteLength);
    this.#ring = new RingConsumer(this.queue);
  }

  /** Nothing can be submitted any more, and everything that was has been carried out. */
  get isFinished(): boolean {
    return this.#finished;
  }

  /** Who gets connections. */
  get onConnection(): ConnectionCallback | null {
    return this.#onConnection;
  }

  setOnConnection(callback: ConnectionCallback | null): void {
    if (this.#onConnection === null && callback !== null) this.#parts.loop.hold();
    if (this.#onConnection !== null && callback === null) this.#parts.loop.release();
    this.#onConnection = callback === null ? null : bound('connection', callback);
  }

  addPost(callback: RemotePostCallback): number {
    const number = this.#parts.posts.next();
    this.#posts.set(number, bound('remotePost', callback));
    this.#parts.loop.hold();
    return number;
  }

  removePost(id: number): void {
    if (this.#posts.delete(id)) this.#parts.loop.release();
  }

  /** A connection that was handed to this loop is gone. */
  unload(): void {
    this.#ring.addLoad(-1);
  }

  /** A REMOTE packet came. */
  woken(): void {
    this.#parts.counters.remoteWakes++;
    this.#drain();
  }

  /** Ends submissions and carries out those that are complete. No callback of a user runs before this returns. */
  close(): void {
    const { scheduler } = this.#parts;
    this.#patienceEnds = scheduler.now() + PRODUCER_PATIENCE_MS;
    this.#ring.close();
    while (this.#ring.take()) this.#carryOut(this.#ring.record);
    this.#awaitProducers();
  }

  readonly #drain = (): void => {
    let left = RECORDS_PER_ROUND;
    let asleep = false;
    try {
      while (left > 0 && !asleep) {
        if (!this.#ring.take()) asleep = this.#ring.sleep();
        else {
          left--;
          this.#carryOut(this.#ring.record);
        }
      }
    } finally {
      // Also after a callback threw: nothing would wake the loop for what is left.
      if (!asleep) this.#parts.loop.enqueue(this.#drain);
    }
  };

  #carryOut(record: RingRecord): void {
    const { target, counters, loop } = this.#parts;
    const { kind, subject, payload } = record;
    if (kind === RemoteCommand.Nothing) return;
    counters.remoteRecords++;
    try {
      if (kind === RemoteCommand.Write) this.#write(subject, payload);
      else if (kind === RemoteCommand.Close) target.close(subject);
      else if (kind === RemoteCommand.Post) this.#deliver(subject, payload);
      else if (kind === RemoteCommand.AcceptConnection) target.acceptConnection(subject, payload);
      // In a later round: stopping takes the queue down, and this is a walk through it.
      else if (kind === RemoteCommand.Stop) loop.enqueue(() => target.stop());
      else throw new Error(`An unknown command ${kind} was submitted. This is a bug in iocp-pal; please report it`);
    } catch (error) {
      this.#report(
        asNetworkError(error),
        kind === RemoteCommand.Post || kind === RemoteCommand.AcceptConnection ? 0 : subject,
      );
    }
  }

  #write(socket: number, data: Uint8Array): void {
    this.#parts.target.write(socket, data, (error) => {
      if (error !== null) this.onError?.(error, socket as AnyHandle);
    });
  }

  /** In a later round, like every callback that no packet brings: close() must not run it. */
  #deliver(id: number, message: Uint8Array): void {
    const callback = this.#posts.get(id);
    if (callback !== undefined) {
      this.#parts.loop.enqueue(() => callback(message));
      return;
    }
    throw new NetworkError(`Cannot deliver a message of ${message.length} bytes: no callback has the number ${id}`, {
      kind: NetworkErrorCode.EventLoopError,
      code: 'ERR_UNKNOWN_REMOTE_POST',
    });
  }

  #report(error: NetworkError, subject: number): void {
    this.#parts.loop.enqueue(() => this.onError?.(error, subject as AnyHandle));
  }

  #awaitProducers(): void {
    const { loop, scheduler } = this.#parts;
    this.#finished = this.#ring.isFinished;
    if (this.#finished) return;
    if (scheduler.now() >= this.#patienceEnds) {
      this.#finished = true;
      this.#ring.abandon();
      // It comes too late to be done, but nothing that it brings may be left: connections are reset, writes are reported.
      while (this.#ring.drainCommitted()) this.#carryOut(this.#ring.record);
      const text =
        `A thread that was submitting to this loop was still at it ${PRODUCER_PATIENCE_MS} ms after the loop had stopped: ` +
        'it was terminated in the middle, and what others had submitted behind it has met sockets that were closed by then';
      this.#report(
        new NetworkError(text, { kind: NetworkErrorCode.EventLoopError, code: 'ERR_REMOTE_PRODUCER_LOST' }),
        0,
      );
      return;
    }
    scheduler.setTimer(PRODUCER_POLL_MS, () => {
      loop.enqueue(() => {
        while (this.#ring.take()) this.#carryOut(this.#ring.record);
        this.#awaitProducers();
      });
    });
  }
}

/** A mistake of another thread's (a server's handle where a connection's belongs) must not throw in this one. */
function asNetworkError(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error;
  const coded = error as { code?: unknown; message?: unknown } | null;
  if (typeof coded?.code !== 'string') throw error;
  return new NetworkError(String(coded.message), { kind: NetworkErrorCode.Unknown, code: coded.code });
}
