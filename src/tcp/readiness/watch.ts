/**
 * Watches: the calls of the readiness API on backends that complete operations.
 *
 * A watch calls back, at most once per turn of the loop, with what its socket is ready for, and checks again as long as it is: that is
 * level-triggered readiness. What ready means is each kind of socket's: connection-watch.ts, listener-watch.ts.
 */
import { removePendingCallback, addPendingCallback, type Context } from '../../context/context.ts';
import type { Interest, WatchCallback } from '../../pal/readiness.ts';
import { bound } from '../../platform/async-context.ts';
import type { SocketRecord, SocketWatch } from '../../sockets/socket-record.ts';
import { connectionClosed } from '../../util/errors.ts';

/** One watch, on a socket that is open. */
export abstract class Watch<Record extends SocketRecord = SocketRecord> implements SocketWatch {
  interest: Interest;
  protected readonly context: Context;
  protected readonly record: Record;
  /** The zero-byte receive has completed since the last callback. */
  protected received = false;
  #callback: WatchCallback;
  /** A look at the socket is queued. */
  #queued = false;

  constructor(context: Context, record: Record, interest: Interest, callback: WatchCallback) {
    this.context = context;
    this.record = record;
    this.interest = interest;
    this.#callback = callback;
  }

  /** There is something to read, or to accept. */
  protected abstract readonly isReadable: boolean;

  /** There is room for a write. When there is none, sees to it that the watch is notified once there is. */
  protected abstract isWritable(): boolean;

  /** Somebody waits for something to read, and there is nothing. */
  protected abstract awaitReadable(): void;

  /** The same watch for something else, or with another callback. */
  change(interest: Interest, callback: WatchCallback): void {
    this.interest = interest;
    this.#callback = callback;
  }

  scheduleCheck(): void {
    if (!this.#queued) this.context.loop.enqueue(this.#check());
  }

  becameReadable(): void {
    this.received = true;
    this.scheduleCheck();
  }

  end(): void {
    const record = this.record;
    record.watch = null;
    this.context.waitingWatches.forget(record);
    endSoon(this.context, record, this.#callback);
  }

  /** Says that a check is queued, and returns it. */
  #check(): () => void {
    this.#queued = true;
    return () => {
      this.#queued = false;
      if (this.#isCurrent) this.#notify();
    };
  }

  get #isCurrent(): boolean {
    return this.record.watch === this && !this.record.closing;
  }

  /**
   * Notifies the watch of what is ready, and checks again while something is. A turn has many rounds, and the socket is looked at in
   * each of them, so that its receive is posted as early as can be; but it is called once per turn, or one that is always ready
   * would take all rounds of all turns.
   */
  #notify(): void {
    const { loop } = this.context;
    const record = this.record;
    const readable = this.interest.readable === true && this.isReadable;
    const writable = this.interest.writable === true && this.isWritable();
    // Also while it is writable, which it nearly always is: what there is to read would never be noticed otherwise.
    if (this.interest.readable === true && !readable) this.awaitReadable();
    const ready = readable || writable;
    if (ready && record.watchedTurn === loop.turn) {
      loop.enqueueForNextTurn(this.#check());
      return;
    }
    this.received = false;
    if (!ready) return;
    record.watchedTurn = loop.turn;
    try {
      this.#callback(null, readable, writable);
    } finally {
      if (this.#isCurrent) this.scheduleCheck();
    }
  }
}

/**
 * Starts a watch, or changes the one that is there.
 * @param prepare what the socket needs first
 * @param make makes the watch
 */
export function startWatch<Record extends SocketRecord>(
  context: Context,
  record: Record,
  interest: Interest,
  callback: WatchCallback,
  prepare: (context: Context, record: Record) => void,
  make: new (context: Context, record: Record, interest: Interest, callback: WatchCallback) => Watch,
): void {
  // First of all: a hook of async_hooks, which sees it being made, is the caller's own code.
  const boundCallback = bound('watch', callback);
  if (record.closing) {
    addPendingCallback(context, record);
    endSoon(context, record, boundCallback);
    return;
  }
  prepare(context, record);
  if (record.watch instanceof Watch) {
    record.watch.change(interest, boundCallback);
  } else {
    record.watch = new make(context, record, interest, boundCallback);
    addPendingCallback(context, record);
  }
  record.watch.scheduleCheck();
}

/** Ends a watch without a callback. A zero-byte receive that is posted comes back to nobody. */
export function unwatch(context: Context, record: SocketRecord): void {
  if (record.watch === null) return;
  record.watch = null;
  context.waitingWatches.forget(record);
  removePendingCallback(context, record);
}

function endSoon(context: Context, record: SocketRecord, callback: WatchCallback): void {
  context.loop.enqueue(() => {
    removePendingCallback(context, record);
    callback(connectionClosed('watch'), false, false);
  });
}

/** After a turn: checks the watches again that waited for a slot, or for room in the queues, and may have it now. */
export function checkWaiting(context: Context): void {
  // Nearly always there is none, and every turn ends here: no closure is made for nothing.
  if (context.waitingWatches.size > 0) checkAgain(context);
}

function checkAgain(context: Context): void {
  const again = ({ watch }: SocketRecord): void => watch?.scheduleCheck();
  context.waitingWatches.takeForSlots(context.operations.free, again);
  if (hasRoom(context)) context.waitingWatches.takeForRoom(again);
}

/** The queues of all sockets together take another byte. */
export function hasRoom(context: Context): boolean {
  return context.queuedBytes < context.options.maxQueuedBytes;
}
