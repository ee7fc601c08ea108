/** Half-close: the FIN, and the end of receiving. */
import { INVALID_SOCKET, SD_RECEIVE, SD_SEND, SOCKET_ERROR } from '../../ffi/constants.ts';
import { ERROR_OPERATION_ABORTED } from '../../ffi/wsa-errors.ts';
import { addRequest, removeRequest, type Context } from '../context/context.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { ShutdownCallback, ShutdownHow } from '../pal/network-pal.ts';
import { boundOnce } from '../platform/async-context.ts';
import { connectionClosed, streamTruncated, systemError } from '../util/errors.ts';
import type { Connection } from './connection/connection.ts';
import { endReads } from './reader.ts';
import { Stream, WriteEnd, writeOf } from './connection/write-state.ts';

/** `connection` is connected. The callback is called once, in a coming turn. */
export function shutdownConnection(
  context: Context,
  connection: Connection,
  how: ShutdownHow,
  callback: ShutdownCallback | undefined,
): void {
  const boundCallback = callback === undefined ? null : boundOnce('shutdown', callback);
  if (boundCallback !== null) addRequest(context, connection);
  if (connection.closing) {
    // By a hook of async_hooks, which has just seen the call being made.
    if (boundCallback !== null) answer(context, connection, boundCallback, connectionClosed('shutdown'));
    return;
  }
  if (how !== 'receive' && connection.write.end === WriteEnd.Open) {
    writeOf(connection).endBehindQueue();
    if (connection.write.operation === null) sendFin(context, connection);
  }
  if (how !== 'send' && !connection.read.ended) endReceiving(context, connection);
  if (boundCallback === null) return;
  if (how === 'receive') return answer(context, connection, boundCallback, null);
  writeOf(connection).awaitEnd(boundCallback);
  settleEnd(context, connection);
}

function endReceiving(context: Context, connection: Connection): void {
  connection.read.end();
  context.counters.syscalls.shutdown++;
  // From here on Windows resets the connection for bytes that come, or that nobody has read. (Wine does not.)
  context.platform.ws2_32.shutdown(connection.socket, SD_RECEIVE);
  const operation = connection.read.operation;
  connection.watch?.scheduleCheck();
  if (operation !== null) {
    // Its end answers the reads, with what it still brings or with the end of the stream.
    if (operation.isInKernel) context.transport.cancelOperation(connection, operation);
  } else if (connection.read.unread === null) {
    // (What has been received for a buffer that had gone comes first.)
    endReads(context, connection);
  }
}

/** Hands the FIN to the kernel; everything queued has been sent. */
export function sendFin(context: Context, connection: Connection): void {
  if (connection.socket === INVALID_SOCKET || !writeOf(connection).ends()) return;
  const { ws2_32 } = context.platform;
  context.counters.syscalls.shutdown++;
  // It fails only on a connection that is broken already, which the next read or write will say as well.
  if (ws2_32.shutdown(connection.socket, SD_SEND) === SOCKET_ERROR)
    writeOf(connection).endFailed(ws2_32.WSAGetLastError());
  settleEnd(context, connection);
}

/** Answers who waits for the FIN, once it is out or never will be. */
export function settleEnd(context: Context, connection: Connection): void {
  const { end, stream } = connection.write;
  if (end === WriteEnd.Ended || stream !== Stream.Whole) answerEnd(context, connection, whyNoEnd(connection));
}

/** The socket is closed here, and what is queued is dropped: there will be no FIN behind it. */
export function dropEnd(context: Context, connection: Connection): void {
  if (connection.write.end === WriteEnd.Ending) answerEnd(context, connection, connectionClosed('shutdown'));
}

function answerEnd(context: Context, connection: Connection, error: NetworkError | null): void {
  for (const callback of writeOf(connection).takeEndWaiters()) answer(context, connection, callback, error);
}

/** Behind the callbacks of the writes before it: they were queued before. */
function answer(
  context: Context,
  connection: Connection,
  callback: ShutdownCallback,
  error: NetworkError | null,
): void {
  context.loop.enqueue(() => {
    removeRequest(context, connection);
    callback(error);
  });
}

function whyNoEnd({ write }: Connection): NetworkError | null {
  const { stream, failure, failureSyscall, failureCause, endFailure } = write;
  if (stream === Stream.Truncated && failure === ERROR_OPERATION_ABORTED) return streamTruncated('shutdown');
  if (stream !== Stream.Whole) {
    return systemError('shutdown', failureSyscall, failure, failureCause === null ? {} : { cause: failureCause });
  }
  return endFailure === 0 ? null : systemError('shutdown', 'shutdown', endFailure);
}
