/** Connections: which part acts on them when something happens. */
import type { Driver } from '../context/context.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { abort } from '../sockets/closer.ts';
import { notOfThisKind, type SocketKind } from '../sockets/socket-kind.ts';
import { lingerZero } from '../sockets/sockets.ts';
import { Connection } from './connection.ts';
import { completeConnect, failConnect, revokeConnect } from './connector.ts';
import { completeProbe } from './probe.ts';
import { completeReceive, failReads, revokeRead } from './reader.ts';
import type { ConnectRequest, ReadRequest, WriteRequest } from './requests.ts';
import { sendFin } from './shutdown.ts';
import { dropWrites } from './write-queue.ts';
import { Stream } from './write-state.ts';
import { revokeWrite } from './write-revocation.ts';
import { completeSend } from './writer.ts';

export const connectionKind: SocketKind = {
  name: 'connection',
  noun: 'a connection',
  isDatagram: false,

  complete(driver: Driver, connection: Connection, operation: Operation): void {
    switch (operation.kind) {
      case OperationKind.Receive:
        return completeReceive(driver, connection, operation);
      case OperationKind.Send:
        return completeSend(driver, connection, operation);
      case OperationKind.Probe:
        return completeProbe(driver, connection, operation);
      case OperationKind.Connect:
        return completeConnect(driver, connection, operation);
      case OperationKind.Disconnect:
        return connection.server?.disconnected(driver, connection, operation);
      default:
        throw notOfThisKind(this, `An operation of kind ${operation.kind}`);
    }
  },

  cancel(
    driver: Driver,
    connection: Connection,
    call: ReadRequest | WriteRequest | ConnectRequest,
    error: NetworkError,
    hard: boolean,
  ): boolean {
    switch (call.operation) {
      case 'read':
        return revokeRead(driver, connection, call, error);
      case 'write':
      case 'sendFile':
        return revokeWrite(driver, connection, call, error, hard);
      case 'connect':
        return revokeConnect(driver, connection, error);
    }
  },

  beginClose(driver: Driver, connection: Connection): void {
    // A FIN would tell the peer that it has got everything.
    if (connection.write.stream === Stream.Truncated) connection.resetting = true;
    failConnect(driver, connection);
    failReads(driver, connection);
    if (connection.write.queue.length > 0) driver.grace.add(connection);
  },

  abort(driver: Driver, connection: Connection): void {
    failConnect(driver, connection);
    failReads(driver, connection);
    dropWrites(driver, connection);
    const { disconnectOperation } = connection;
    if (disconnectOperation !== null) driver.transport.cancelOperation(connection, disconnectOperation);
  },

  isFlushed({ write }: Connection): boolean {
    return write.queue.length === 0;
  },

  beforeCancel(driver: Driver, connection: Connection): boolean {
    if (connection.resetting) return true;
    // A disconnect is the last step, and ends by itself or with its grace; a reset cuts it short.
    if (connection.disconnectOperation !== null) return false;
    if (connection.connected) sendFin(driver, connection);
    return true;
  },

  recycle(driver: Driver, connection: Connection): boolean {
    return connection.server?.recycle(driver, connection) === true;
  },

  beforeClosesocket(driver: Driver, { resetting, connected, socket }: Connection): void {
    if (resetting && connected) lingerZero(driver, socket);
  },

  gone(driver: Driver, { server, countsAsLoad }: Connection): void {
    if (countsAsLoad) driver.inbox?.unload();
    server?.connectionGone(driver);
  },

  graceExpired(driver: Driver, connection: Connection): void {
    if (connection.closing && connection.write.queue.length > 0) abort(driver, connection);
    else if (connection.disconnectOperation !== null) {
      driver.transport.cancelOperation(connection, connection.disconnectOperation);
    }
  },
};

/** A record for a connection in the table, without a SOCKET; null when the table is full. */
export function addConnection(
  { sockets, kernel }: Pick<Driver, 'sockets' | 'kernel'>,
  family: 4 | 6,
  origin: string | undefined,
): Connection | null {
  const now = kernel.scheduler.now();
  return sockets.add((handle) => new Connection(connectionKind, handle, family, now, origin));
}
