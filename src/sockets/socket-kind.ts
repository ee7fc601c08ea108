/**
 * What a sort of socket does with the things that happen to every socket: an operation comes back, a call is taken back, the
 * socket closes. A record has its kind from its beginning, so whoever has a socket need not ask which sort it is.
 *
 * Each sort has one file that implements this: connection-kind.ts, listener-kind.ts, datagram-kind.ts. They are the only
 * places that know which part acts on what.
 */
import type { Context } from '../context/context.ts';
import type { Operation } from '../memory/operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { SocketDescription } from '../pal/pal-description.ts';
import type { PendingCall } from './pending-call.ts';
import type { SocketRecord } from './socket-record.ts';

export interface SocketKind {
  /** What inspect() calls it. */
  readonly name: SocketDescription['kind'];
  /** What it is, for messages: "a connection". */
  readonly noun: string;
  /** SOCK_DGRAM, and not SOCK_STREAM. */
  readonly isDatagram: boolean;
  complete(context: Context, record: SocketRecord, operation: Operation): void;
  /** Takes a pending call back, see Cancel in pending-call.ts. */
  cancel(context: Context, record: SocketRecord, call: PendingCall, error: NetworkError, hard: boolean): boolean;
  /** The socket begins to close: answers who waits for something to come. What is to be flushed follows (isFlushed). */
  beginClose(context: Context, record: SocketRecord): void;
  /** Drops what a closing socket has still to send. A connection is not reset for it. */
  drop(context: Context, record: SocketRecord): void;
  /** The socket ends at once, also when its close is under way: answers who waits, and drops what is queued. */
  abort(context: Context, record: SocketRecord): void;
  /** A closing socket has nothing left to send. */
  isFlushed(record: SocketRecord): boolean;
  /** All operations are about to be cancelled. Returns false when they end by themselves. */
  beforeCancel(context: Context, record: SocketRecord): boolean;
  /** Its operations have been cancelled: closesocket is next, and does not wait for their packets. */
  closesAtOnce(record: SocketRecord): boolean;
  /**
   * Every operation of a closing socket has come back. Returns true when the kind has begun something else than closesocket; it
   * calls finishClose when that has ended.
   */
  recycle(context: Context, record: SocketRecord): boolean;
  /** closesocket is the next call. */
  beforeClosesocket(context: Context, record: SocketRecord): void;
  /** The record is out of the table, closed or gone to another loop. */
  gone(context: Context, record: SocketRecord): void;
  /** What a close waits for has had its grace. */
  graceExpired(context: Context, record: SocketRecord): void;
}

/** What a kind does that has got something that is not its own. */
export function notOfThisKind({ noun }: SocketKind, what: string): Error {
  return new Error(`${what} reached ${noun}, where nobody waits for it. This is a bug in iocp-pal; please report it`);
}
