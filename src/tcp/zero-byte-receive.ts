/**
 * The zero-byte receive by which the readiness calls learn that there is something to read. It takes nothing from the stream and
 * completes when there is something to take, the end of the stream, or an error; that is poll's POLLIN.
 */
import { ERROR_OPERATION_ABORTED } from '../../ffi/wsa-errors.ts';
import type { Context } from '../context/context.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { abandonOperation } from '../sockets/abandon.ts';
import { settleClose } from '../sockets/closer.ts';
import { mayPostAgain } from '../sockets/unasked-cancels.ts';
import { systemError } from '../util/errors.ts';
import type { Connection } from './connection/connection.ts';
import { readinessOf } from './connection/readiness-state.ts';

/** Posts one, unless it is posted. Returns false when there is no operation for it. */
export function postZeroByteReceive(context: Context, connection: Connection): boolean {
  const readiness = readinessOf(connection);
  if (readiness.zeroByteReceive !== null) return true;
  const operation = context.operations.take(OperationKind.ZeroByteReceive, connection);
  if (operation === null) return false;
  readiness.begin(operation);
  operation.requested = 0;
  try {
    context.operations.setSegment(operation, 0, 0, 0);
    context.transport.receive(connection, operation);
  } catch (error) {
    abandonOperation(context, connection, operation, error);
  }
  return true;
}

export function completeZeroByteReceive(context: Context, connection: Connection, operation: Operation): void {
  const { error } = operation;
  const readiness = readinessOf(connection);
  readiness.finish();
  context.operations.release(operation);
  if (connection.closing) {
    settleClose(context, connection);
    return;
  }
  const { watch } = connection;
  // Nobody here cancels a zero-byte receive. Windows may cancel it with another operation of its socket.
  if (error === 0) connection.unaskedCancels = 0;
  if (error === ERROR_OPERATION_ABORTED && !connection.read.ended && mayPostAgain(connection)) {
    watch?.scheduleCheck();
    return;
  }
  // After shutdown('receive') an error says that, and not that the connection is broken.
  if (error !== 0 && !connection.read.ended) readiness.fail(systemError('read', 'WSARecv', error));
  watch?.becameReadable();
}
