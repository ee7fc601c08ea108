/** Half-close: the FIN, and the end of receiving. */
import { INVALID_SOCKET, SD_RECEIVE, SD_SEND } from '../../ffi/constants.ts';
import type { Context } from '../context/context.ts';
import type { ShutdownHow } from '../pal/network-pal.ts';
import type { Connection } from './connection/connection.ts';
import { endReads } from './reader.ts';
import { WriteEnd } from './connection/write-state.ts';

/** `connection` is open and connected. */
export function shutdownConnection(context: Context, connection: Connection, how: ShutdownHow): void {
  if (how !== 'receive' && connection.write.end === WriteEnd.Open) {
    connection.write.endBehindQueue();
    if (connection.write.operation === null) sendFin(context, connection);
  }
  if (how !== 'send' && !connection.read.ended) {
    connection.read.end();
    context.counters.syscalls.shutdown++;
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
}

/** Hands the FIN to the kernel; everything queued has been sent. */
export function sendFin(context: Context, connection: Connection): void {
  if (connection.socket === INVALID_SOCKET || !connection.write.ends()) return;
  context.counters.syscalls.shutdown++;
  // It fails only on a connection that is broken already, which the next read or write will say.
  context.platform.ws2_32.shutdown(connection.socket, SD_SEND);
}
