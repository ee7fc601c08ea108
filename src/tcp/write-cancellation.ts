/** Cancelling writes. docs/cancellation.md is for users. */
import type { NetworkError } from '../pal/network-error.ts';
import { settleClose } from '../sockets/closer.ts';
import type { Connection } from './connection/connection.ts';
import type { Context } from '../context/context.ts';
import type { QueuedFile, WriteRequest } from './connection/requests.ts';
import { writeOf } from './connection/write-state.ts';
import { answer, refuseFile, abortFile } from './write-queue.ts';

/**
 * Takes a write back. One of which nothing has been handed to the kernel leaves the queue as if it had never been there.
 * Any other can only be truncated (`hard`): what the kernel has of it is cancelled, and nobody can know how much of that
 * reached the peer, so nothing may be sent behind it.
 */
export function cancelWrite(
  context: Context,
  connection: Connection,
  request: WriteRequest,
  error: NetworkError,
  hard: boolean,
): boolean {
  const write = writeOf(connection);
  const { queue, operation } = write;
  const firstWrite = queue.first;
  if (firstWrite === request && request.file !== null) {
    return cancelFile(context, connection, request, request.file, error, hard);
  }
  if (firstWrite === null || request.order < firstWrite.order) return false; // done: its callback is about to run
  // A file goes out alone: nothing behind it has been handed over.
  const underWay = operation !== null && operation.requested > 0 && write.file === null;
  if (request.sent === 0 && !(underWay && request.order <= write.lastGathered)) {
    queue.remove(request);
    answer(context, connection, request, error);
    settleClose(context, connection);
    return true;
  }
  if (!hard) return false;
  request.cancellation = error;
  write.abort();
  if (operation?.isInKernel === true) context.transport.cancelOperation(connection, operation);
  return true;
}

/**
 * The same for a file whose turn it is. When it is truncated, the connection is reset with it, as for a file that cannot be read. What
 * becomes of a piece that is under way decides (completeSend): it may have been the last.
 */
function cancelFile(
  context: Context,
  connection: Connection,
  request: WriteRequest,
  file: QueuedFile,
  error: NetworkError,
  hard: boolean,
): boolean {
  if (file.isUntouched) refuseFile(context, connection, error);
  else if (!hard) return false;
  else if (file.isBusy) {
    request.cancellation = error;
    const { operation } = connection.write;
    if (operation?.isInKernel === true) context.transport.cancelOperation(connection, operation);
  } else abortFile(context, connection, error);
  settleClose(context, connection);
  return true;
}

/** The stream ends here, behind what is queued: later writes fail, and closing sends RST. */
export function abortStream(connection: Connection): void {
  writeOf(connection).truncate();
}
