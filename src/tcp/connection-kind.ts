/** Connections: which part acts on them when something happens. */
import type { Context } from '../context/context.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { abort } from '../sockets/closer.ts';
import { connectionClosed } from '../util/errors.ts';
import { notOfThisKind, type SocketKind } from '../sockets/socket-kind.ts';
import { lingerZero } from '../sockets/sockets.ts';
import { Connection } from './connection/connection.ts';
import { sendBeforeDrop } from './deferred-send.ts';
import { completeConnect, failConnect, cancelConnect } from './connector.ts';
import { cancelDrain, failDrains } from './drain.ts';
import { completeZeroByteReceive } from './zero-byte-receive.ts';
import { completeReceive, failReads, cancelRead } from './reader.ts';
import type { ConnectRequest, DrainRequest, ReadRequest, WriteRequest } from './connection/requests.ts';
import { dropEnd, sendFin } from './shutdown.ts';
import { dropWrites } from './write-queue.ts';
import { Stream } from './connection/write-state.ts';
import { cancelWrite } from './write-cancellation.ts';
import { completeSend } from './writer.ts';

export const connectionKind: SocketKind = {
  name: 'connection',
  noun: 'a connection',
  isDatagram: false,

  complete(context: Context, connection: Connection, operation: Operation): void {
    switch (operation.kind) {
      case OperationKind.Receive:
        return completeReceive(context, connection, operation);
      case OperationKind.Send:
        return completeSend(context, connection, operation);
      case OperationKind.ZeroByteReceive:
        return completeZeroByteReceive(context, connection, operation);
      case OperationKind.Connect:
        return completeConnect(context, connection, operation);
      case OperationKind.Disconnect:
        return connection.server?.disconnected(context, connection, operation);
      default:
        throw notOfThisKind(this, `An operation of kind ${operation.kind}`);
    }
  },

  cancel(
    context: Context,
    connection: Connection,
    call: ReadRequest | WriteRequest | ConnectRequest | DrainRequest,
    error: NetworkError,
    hard: boolean,
  ): boolean {
    switch (call.operation) {
      case 'read':
        return cancelRead(context, connection, call, error);
      case 'write':
      case 'sendFile':
        return cancelWrite(context, connection, call, error, hard);
      case 'drain':
        return cancelDrain(context, connection, call, error);
      case 'connect':
        return cancelConnect(context, connection, error);
    }
  },

  beginClose(context: Context, connection: Connection): void {
    // A FIN would tell the peer that it has got everything.
    if (connection.write.stream === Stream.Truncated) connection.resetting = true;
    failConnect(context, connection);
    failReads(context, connection);
    failDrains(context, connection, closedDuringDrain);
  },

  drop(context: Context, connection: Connection): void {
    if (!connection.resetting) sendBeforeDrop(context, connection);
    dropWrites(context, connection);
    dropEnd(context, connection);
    endDisconnect(context, connection);
  },

  abort(context: Context, connection: Connection): void {
    failConnect(context, connection);
    failReads(context, connection);
    failDrains(context, connection, closedDuringDrain);
    this.drop(context, connection);
  },

  isFlushed({ write }: Connection): boolean {
    return write.queue.length === 0;
  },

  beforeCancel(context: Context, connection: Connection): boolean {
    if (connection.resetting) return true;
    // A disconnect is the last step, and ends by itself or with its grace; a reset cuts it short.
    if (isDisconnecting(connection)) return false;
    // A send of what was dropped is cancelled first.
    if (connection.connected && connection.write.operation === null) sendFin(context, connection);
    return true;
  },

  closesAtOnce: () => false,

  recycle(context: Context, connection: Connection): boolean {
    return connection.server?.recycle(context, connection) === true;
  },

  beforeClosesocket(context: Context, { resetting, connected, socket }: Connection): void {
    if (resetting && connected) lingerZero(context, socket);
  },

  gone(context: Context, connection: Connection): void {
    if (connection.countsAsLoad) context.inbox?.unload();
    connection.server?.connectionGone(context, connection);
  },

  graceExpired(context: Context, connection: Connection): void {
    // What only waits for its turn is not what the grace was for: the system has not been asked to take it.
    if (!connection.resetting) sendBeforeDrop(context, connection);
    if (connection.closing && connection.write.queue.length > 0) abort(context, connection);
    else {
      connection.hasNoGrace = true;
      endDisconnect(context, connection);
    }
  },
};

function isDisconnecting({ close }: Connection): boolean {
  return close !== null && close.disconnect !== null;
}

function endDisconnect(context: Context, connection: Connection): void {
  const operation = connection.close?.disconnect ?? null;
  if (operation !== null) context.transport.cancelOperation(connection, operation);
}

function closedDuringDrain(): NetworkError {
  return connectionClosed('drain');
}

/** A record for a connection in the table, without a SOCKET; null when the table is full. */
export function addConnection(
  { sockets, platform }: Pick<Context, 'sockets' | 'platform'>,
  family: 4 | 6,
  origin: Error | undefined,
): Connection | null {
  const now = platform.scheduler.now();
  return sockets.add((handle) => new Connection(connectionKind, handle, family, now, origin));
}
