/**
 * Drain notices: who waits until no more than so many bytes of a connection's writes are queued. They are looked at whenever bytes
 * leave the queue, and each is answered in a coming turn, behind the callbacks of the writes that have left it.
 */
import { addPendingCallback, captureOrigin, removePendingCallback, type Context } from '../context/context.ts';
import type { BytesCallback } from '../pal/network-pal.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { NO_OPERATION, whyOver } from '../sockets/pending-call.ts';
import type { Connection } from './connection/connection.ts';
import { DrainRequest } from './connection/requests.ts';
import { writeOf } from './connection/write-state.ts';

/**
 * Waits until `lowWaterMark` bytes are queued, or fewer.
 * @param whyNever why they never will be, or null: asked once the call has begun
 */
export function awaitDrain(
  context: Context,
  connection: Connection,
  lowWaterMark: number,
  options: OperationOptions | null,
  callback: BytesCallback,
  whyNever: (connection: Connection) => NetworkError | null,
): OperationHandle {
  const request = new DrainRequest(lowWaterMark, callback, captureOrigin(context));
  const name = context.pendingCalls.begin(request, connection, options);
  // Only now is the connection looked at: the caller's own code may have run in there.
  const over = whyOver(request, connection) ?? whyNever(connection);
  addPendingCallback(context, connection);
  if (over !== null || connection.write.queuedBytes <= lowWaterMark) {
    answer(context, connection, request, over);
    return NO_OPERATION;
  }
  writeOf(connection).awaitDrain(request);
  return name;
}

/** Bytes have left the queue: answers whom that is few enough. */
export function noticeDrains(context: Context, connection: Connection): void {
  if (connection.write.drains !== null) noticeEach(context, connection, connection.write.drains);
}

function noticeEach(context: Context, connection: Connection, drains: Set<DrainRequest>): void {
  const { queuedBytes } = connection.write;
  for (const request of drains) {
    if (queuedBytes > request.lowWaterMark) continue;
    drains.delete(request);
    answer(context, connection, request, null);
  }
}

/** The queue will not be drained any more. */
export function failDrains(context: Context, connection: Connection, error: () => NetworkError): void {
  const { drains } = connection.write;
  if (drains === null) return;
  for (const request of drains) {
    drains.delete(request);
    answer(context, connection, request, error());
  }
}

export function cancelDrain(
  context: Context,
  connection: Connection,
  request: DrainRequest,
  error: NetworkError,
): boolean {
  connection.write.drains?.delete(request);
  answer(context, connection, request, error);
  return true;
}

/** Answers with the bytes that are queued now: those of an error count for nothing. */
function answer(context: Context, connection: Connection, request: DrainRequest, error: NetworkError | null): void {
  const bytes = error === null ? connection.write.queuedBytes : 0;
  context.pendingCalls.end(request);
  context.loop.enqueue(() => {
    removePendingCallback(context, connection);
    request.callback.finishTwo(error, bytes);
  });
}
