/**
 * The accepts that a listening socket keeps posted: how many, and what happens to one that failed.
 *
 *   posted + untaken < depth          accept-depth.ts: follows the arrival of connections
 *   posted + cancelled < room         accept-limits.ts: what a server with limits may still take
 *   posted, of all servers < share    operations are needed for reading and writing too
 *
 * Accepts are cancelled because the pool shrinks or is paused. Until they come back they may still bring a
 * connection, as after every cancel: that one is kept.
 *
 * An accept that fails (the peer was gone before it was accepted, the process is out of sockets) is posted again, the
 * first time at once, then with growing pauses; the owner learns of it through onAcceptError, and the listener goes on.
 */
import { Win32Error } from '../../../ffi/check.ts';
import { INVALID_SOCKET } from '../../../ffi/constants.ts';
import { WSAENOBUFS, WSAENOTCONN } from '../../../ffi/wsa-errors.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { abandonOperation } from '../../sockets/abandon.ts';
import { MAX_PENDING_HEADERS } from '../../proxy-protocol/proxy-settings.ts';
import { RELAX_AFTER_MS } from './accept-depth.ts';
import type { Context } from '../../context/context.ts';
import { kindOf, systemError } from '../../util/errors.ts';
import type { Listener } from './listener.ts';
import { OperationKind, type Operation } from '../../memory/operation.ts';
import { discardSpares } from './socket-reuse.ts';
import { abortSocket, discardSocket } from '../../sockets/sockets.ts';

/** One in so many operations may be an accept, over all servers; but each server may post one, or it could not accept at all. */
const ACCEPT_SHARE = 4;
/** Milliseconds before the second failed accept in a row is posted again; doubles up to the next. */
const FIRST_RETRY_MS = 10;
/** Milliseconds between attempts at most: how long a server takes to notice that it has sockets again. */
const MAX_RETRY_MS = 1000;
/**
 * Accepts in a row that may fail because their connection was gone, before the pool pauses for these too. Each takes a
 * dead connection out of the way, so a pause lets whoever connects and resets hold up everybody behind.
 */
const MAX_GONE_IN_A_ROW = 1024;
/**
 * Milliseconds of that pause. It never grows: it is there for a system that calls every accept reset at once, which would
 * keep this thread busy for nothing, and with it a flood of resets still gets out of the way, a pool every 10 ms.
 */
const GONE_RETRY_MS = 10;

/** Posts accepts, `most` at most, until the pool is full or there is no room for more. */
export function fillPool(context: Context, listener: Listener, most = Infinity): void {
  // Without its port an accept would end unseen: a server with deferAssociation may be resumed before its first one.
  if (!listener.associated) return;
  if (listener.closing || listener.paused || listener.retryTimer !== null) return;
  // One look at the clock for all of it: if the rate left no room when it was asked, and some a moment later when the timer
  // was to be set, there would be neither an accept nor a timer.
  const now = context.platform.scheduler.now();
  for (let left = most; left > 0 && hasPlace(context, listener, now); left--) {
    const operation = context.operations.take(OperationKind.Accept, listener);
    if (operation === null) {
      // Those that are posted will fill the pool when they come back.
      if (listener.posted === 0) acceptFailed(context, listener, 'AcceptEx', WSAENOBUFS);
      return;
    }
    listener.accepting.add(operation);
    try {
      post(context, listener, operation);
    } catch (error) {
      if (operation.handedOver) return; // the system has it: its packet comes
      if (error instanceof Win32Error) {
        releaseAccept(context, listener, operation);
        acceptFailed(context, listener, error.syscall, error.systemErrorCode);
      } else {
        abandonOperation(context, listener, operation, error);
      }
      return;
    }
  }
  if (listener.posted === 0) awaitRoom(context, listener, now);
}

/** A connection left the pool: deepens it when they come in bursts, and sees to it that it becomes flat again. */
export function connectionTaken(context: Context, listener: Listener): void {
  const { depth } = listener;
  depth.taken(context.loop.turn);
  if (depth.isGrown && listener.shrinkTimer === null && !listener.closing) {
    listener.shrinkTimer = context.platform.scheduler.setTimer(RELAX_AFTER_MS, () => shrink(context, listener));
  }
}

export function cancelPostedAccepts(context: Context, listener: Listener, count: number): void {
  let left = count;
  for (const operation of listener.accepting) {
    if (left <= 0) return;
    left--;
    listener.accepting.delete(operation);
    listener.cancelledAccepts.add(operation);
    context.transport.cancelOperation(listener, operation);
  }
}

/** Counts and reports a failed accept, and makes sure that another attempt follows. */
export function acceptFailed(context: Context, listener: Listener, syscall: string, code: number): void {
  context.counters.acceptErrors++;
  const gone = kindOf('accept', code) === NetworkErrorCode.ConnectionReset || code === WSAENOTCONN;
  if (gone) listener.gone++;
  else listener.failures++;
  let wait = 0;
  if (gone) {
    if (listener.gone > MAX_GONE_IN_A_ROW) wait = GONE_RETRY_MS;
    else connectionTaken(context, listener);
  } else if (listener.failures > 1) wait = Math.min(FIRST_RETRY_MS * 2 ** (listener.failures - 2), MAX_RETRY_MS);
  if (wait === 0) {
    context.loop.enqueue(() => fillPool(context, listener));
  } else {
    listener.retryTimer ??= context.platform.scheduler.setTimer(wait, () => {
      listener.retryTimer = null;
      fillPool(context, listener);
    });
  }
  const report = listener.onAcceptError;
  if (report !== undefined) {
    context.loop.enqueue(() => report(systemError('accept', syscall, code)));
  }
}

/** An accept is over: gives back what it held. A connection that nobody took over is reset. */
export function releaseAccept(context: Context, listener: Listener, operation: Operation): void {
  if (operation.acceptSocket !== INVALID_SOCKET) {
    listener.spares?.forget(operation.acceptSocket);
    // A connection is not closed in good order: that would tell the peer that somebody served it.
    if (operation.error === 0) abortSocket(context, operation.acceptSocket);
    else discardSocket(context, operation.acceptSocket);
  }
  listener.accepting.delete(operation);
  listener.cancelledAccepts.delete(operation);
  context.operations.release(operation);
}

/** The listener closes: nothing is posted any more. */
export function stopPool(context: Context, listener: Listener): void {
  const { scheduler } = context.platform;
  for (const timer of [listener.retryTimer, listener.shrinkTimer, listener.roomTimer]) {
    if (timer !== null) scheduler.clearTimer(timer);
  }
  listener.retryTimer = null;
  listener.shrinkTimer = null;
  listener.roomTimer = null;
  discardSpares(context, listener, 0);
}

/** Posts one accept, on a spare socket if there is one. Throws Win32Error. */
function post(context: Context, listener: Listener, operation: Operation): void {
  operation.block = context.blocks.takeUnseen(0);
  if (operation.block === null) throw new Win32Error('AcceptEx', WSAENOBUFS);
  operation.acceptSocket = listener.spares?.take() ?? INVALID_SOCKET;
  const spare = operation.acceptSocket;
  try {
    context.transport.accept(listener, operation);
  } catch (error) {
    if (!(error instanceof Win32Error) || spare === INVALID_SOCKET) throw error;
    // The socket may not be fit for use yet, or ever: it is not worth another attempt.
    listener.spares?.forget(spare);
    discardSocket(context, spare);
    operation.acceptSocket = INVALID_SOCKET;
    context.operations.reset(operation);
    context.transport.accept(listener, operation);
  }
}

function hasPlace(context: Context, listener: Listener, now: number): boolean {
  const { accepting, accepted, depth, limits, posted, unnamed } = listener;
  if (accepting.size + accepted.length >= depth.current) return false;
  // A connection whose header is awaited has left the pool, or one half of a header would hold a place in it for seconds.
  if (unnamed.size > 0 && unnamed.size + posted >= MAX_PENDING_HEADERS) return false;
  if (posted > 0) {
    const { capacity, inUse } = context.operations;
    if ((inUse[OperationKind.Accept] ?? 0) * ACCEPT_SHARE >= capacity) return false;
  }
  return posted < limits.room(now);
}

/** The rate leaves no room: comes again when it does. (Other limits end with the close of a connection.) */
function awaitRoom(context: Context, listener: Listener, now: number): void {
  const { scheduler } = context.platform;
  if (listener.roomTimer !== null || listener.limits.blockedBy(now) !== 'acceptRate') return;
  listener.roomTimer = scheduler.setTimer(listener.limits.msUntilRoom(now), () => {
    listener.roomTimer = null;
    fillPool(context, listener);
  });
}

function shrink(context: Context, listener: Listener): void {
  const { depth, accepting, accepted } = listener;
  listener.shrinkTimer = null;
  depth.relax();
  cancelPostedAccepts(context, listener, accepting.size + accepted.length - depth.current);
  discardSpares(context, listener, depth.current);
  if (!depth.isGrown) return;
  listener.shrinkTimer = context.platform.scheduler.setTimer(RELAX_AFTER_MS, () => shrink(context, listener));
}
