/** Writes that are answered without being queued: refused for lack of room, or with nothing to wait for. */
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle } from '../pal/pending-operation.ts';
import type { Connection } from './connection/connection.ts';
import { removeRequest, addRequest, type Context } from '../context/context.ts';
import { behindRefused, queueFull, queuesFull } from '../util/errors.ts';
import { NO_OPERATION } from '../sockets/pending-call.ts';
import type { WriteRequest } from './connection/requests.ts';
import { writeOf } from './connection/write-state.ts';

/**
 * Why a write of so many bytes is refused now, or null. One that is larger than a queue is taken when nothing else is in it: its bytes
 * are in the caller's memory already, and go out in pieces.
 */
export function whyNotQueued(context: Context, connection: Connection, total: number): NetworkError | null {
  const { maxQueuedBytesPerSocket: limit, maxQueuedBytes } = context.options;
  const { refusal, queuedBytes } = connection.write;
  const hasRoom = queuedBytes + total <= limit && context.queuedBytes + total <= maxQueuedBytes;
  return refusal === null && hasRoom ? null : whyRefused(context, connection, total);
}

function whyRefused(context: Context, connection: Connection, total: number): NetworkError | null {
  const { maxQueuedBytesPerSocket: limit, maxQueuedBytes } = context.options;
  const { refusal, queuedBytes } = connection.write;
  if (refusal !== null) return behindRefused(refusal);
  if (queuedBytes > 0 && queuedBytes + total > limit) return queueFull(queuedBytes, total, limit);
  const { queuedBytes: ofAll } = context;
  return ofAll > 0 && ofAll + total > maxQueuedBytes ? queuesFull(ofAll, total, maxQueuedBytes) : null;
}

/** Refuses a write for lack of room. Until its callback has run, what is written behind it is refused as well. */
export function refuse(
  context: Context,
  connection: Connection,
  request: WriteRequest,
  error: NetworkError,
): OperationHandle {
  writeOf(connection).refuse(error);
  return answerWith(context, connection, request, (callback) => {
    writeOf(connection).refusalTold();
    callback.finishTwo(error, 0);
  });
}

/** Answers a write that is not queued, in a coming turn. */
export function answerSoon(
  context: Context,
  connection: Connection,
  request: WriteRequest,
  error: NetworkError | null,
): OperationHandle {
  return answerWith(context, connection, request, (callback) => callback.finishTwo(error, 0));
}

function answerWith(
  context: Context,
  connection: Connection,
  request: WriteRequest,
  answer: (callback: WriteRequest['callback']) => void,
): OperationHandle {
  const { callback } = request;
  context.requests.giveWrite(request);
  addRequest(context, connection);
  context.loop.enqueue(() => {
    removeRequest(context, connection);
    answer(callback);
  });
  return NO_OPERATION;
}
