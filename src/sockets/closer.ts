/**
 * Closing, for connections, listening sockets and UDP sockets.
 *
 *   closeSocket ─► reads, accepts, connects are answered with ConnectionClosed
 *               ─► queued writes are flushed, for at most closeGraceMs   (resetSocket: dropped, SO_LINGER {1, 0})
 *               ─► CancelIoEx(socket, NULL) while the kernel still has operations of the socket
 *               ─► their packets come, one for each   (none although cancelled again and again: closesocket, then the packets)
 *               ─► closesocket, then the close callback             (or DisconnectEx: socket-reuse.ts)
 *
 * Why in this order: the kernel writes into OVERLAPPED and buffers until an operation's packet is dequeued, whatever has
 * been closed meanwhile. Windows answers closesocket with a receive pending by RST instead of FIN, so the FIN goes out
 * first (shutdown SD_SEND) when one is pending. Under Wine, closesocket with a send pending lets that send run on, on
 * whatever socket gets the number next.
 *
 * A flush that outlives its grace ends in a reset: a FIN would tell the peer that it has got everything. (A UDP socket,
 * which has neither, drops the rest.)
 */
import { INVALID_SOCKET, SD_RECEIVE, SD_SEND } from '../../ffi/constants.ts';
import type { CloseCallback, ShutdownHow } from '../pal/network-pal.ts';
import { leaveCounts, stopAccepting } from '../tcp/accept/acceptor.ts';
import { boundOnce } from '../platform/async-context.ts';
import { Connection } from '../tcp/connection.ts';
import { failConnect } from '../tcp/connector.ts';
import { stopReceiving } from '../udp/datagram-receiver.ts';
import { dropSends } from '../udp/datagram-sender.ts';
import { DatagramSocket } from '../udp/datagram-socket.ts';
import { callbackDue, expectCallback, type Driver } from '../context/context.ts';
import { Listener } from '../tcp/accept/listener.ts';
import { endReads, failReads } from '../tcp/reader.ts';
import { isDisconnecting, mayReuse, startDisconnect } from '../tcp/accept/socket-reuse.ts';
import type { SocketRecord } from './socket-record.ts';
import { lingerZero } from './sockets.ts';
import { endWatch, look } from '../tcp/readiness/watcher.ts';
import { dropWrites } from '../tcp/writer.ts';

/** Starts to close; a second call adds its callback to the first. */
export function close(driver: Driver, record: SocketRecord, callback: CloseCallback | undefined): void {
  expectClose(driver, record, callback);
  if (record.closing) return;
  record.closing = true;
  endWatch(driver, record);
  if (record instanceof Connection) {
    // A FIN would tell the peer that it has got everything.
    if (record.torn) record.resetting = true;
    failConnect(driver, record);
    failReads(driver, record);
    if (record.writes.length > 0) driver.grace.add(record);
  } else if (record instanceof Listener) {
    stopAccepting(driver, record);
  } else if (record instanceof DatagramSocket) {
    stopReceiving(driver, record);
    if (record.sending.length > 0) driver.grace.add(record);
  }
  settleClose(driver, record);
}

/** Starts to close with RST, or turns a close that is under way into one. */
export function reset(driver: Driver, connection: Connection, callback: CloseCallback | undefined): void {
  expectClose(driver, connection, callback);
  resetConnection(driver, connection);
}

/** The same without a callback, for the driver's own use. */
export function resetConnection(driver: Driver, connection: Connection): void {
  connection.resetting = true;
  connection.closing = true;
  endWatch(driver, connection);
  failConnect(driver, connection);
  failReads(driver, connection);
  dropWrites(driver, connection);
  settleClose(driver, connection);
}

/** Closes without waiting for anything: nothing is flushed, and nothing ends by itself. `record` is closing. */
export function closeAtOnce(driver: Driver, record: SocketRecord): void {
  if (record instanceof Connection) {
    resetConnection(driver, record);
    const { disconnectOperation } = record;
    if (disconnectOperation !== null) driver.transport.cancelOperation(record, disconnectOperation);
  } else if (record instanceof DatagramSocket) {
    dropSends(driver, record);
    settleClose(driver, record);
  }
}

/** A closing socket's grace is over. */
export function graceExpired(driver: Driver, record: Connection | DatagramSocket): void {
  if (record instanceof Connection) {
    if (record.closing && record.writes.length > 0) resetConnection(driver, record);
    else if (record.disconnectOperation !== null) {
      driver.transport.cancelOperation(record, record.disconnectOperation);
    }
  } else if (!record.closed) {
    dropSends(driver, record);
    settleClose(driver, record);
  }
}

/** Half-close. `connection` is open and connected. */
export function shutdownConnection(driver: Driver, connection: Connection, how: ShutdownHow): void {
  if (how !== 'receive' && !connection.sendEnded) {
    connection.sendEnded = true;
    if (connection.sendOperation === null) sendFin(driver, connection);
  }
  if (how !== 'send' && !connection.receiveEnded) {
    connection.receiveEnded = true;
    driver.counters.calls.shutdown++;
    driver.kernel.ws2_32.shutdown(connection.socket, SD_RECEIVE);
    const operation = connection.receiveOperation;
    look(driver, connection);
    if (operation !== null) {
      // Its end answers the reads, with what it still brings or with the end of the stream.
      if (operation.isInKernel) driver.transport.cancelOperation(connection, operation);
    } else if (connection.leftover === null) {
      // (What has been received for a buffer that had gone comes first.)
      endReads(driver, connection);
    }
  }
}

/** Hands the FIN to the kernel; everything queued has been sent. */
export function sendFin(driver: Driver, connection: Connection): void {
  if (connection.finSent || connection.torn || connection.socket === INVALID_SOCKET) return;
  connection.finSent = true;
  driver.counters.calls.shutdown++;
  // It fails only on a connection that is broken already, which the next read or write will say.
  driver.kernel.ws2_32.shutdown(connection.socket, SD_SEND);
}

/**
 * Takes a closing socket one step further. Called when the close starts and after each of its operations came back.
 */
export function settleClose(driver: Driver, record: SocketRecord): void {
  // Closed already: a write's callback that closes the socket is followed by the send's own look at the close.
  if (!record.closing || record.closed) return;
  if (record instanceof Connection) {
    if (record.writes.length > 0) return;
    if (!record.resetting && !record.cancelled && record.connected && record.inFlight > 0) sendFin(driver, record);
  } else if (record instanceof DatagramSocket && record.sending.length > 0 && !record.dropping) {
    return;
  }
  if (record.inFlight > 0) {
    // A disconnect is the last step, and ends by itself or with its grace.
    if (record.cancelled || (record instanceof Connection && isDisconnecting(record))) return;
    record.cancelled = true;
    // A connect that got no socket: its failure is queued, and -1 as a handle means this process.
    if (record.socket !== INVALID_SOCKET) driver.transport.cancelAll(record);
    return;
  }
  if (record instanceof Connection && mayReuse(driver, record) && startDisconnect(driver, record)) return;
  finishClose(driver, record);
}

/** The last step: closesocket, unless the socket is gone already, and the close callbacks. */
export function finishClose(driver: Driver, record: SocketRecord): void {
  record.closed = true;
  if (record.socket !== INVALID_SOCKET) {
    // Only now: a reset may have come while the packets of a close were awaited.
    if (record instanceof Connection && record.resetting && record.connected) lingerZero(driver, record.socket);
    closeSystemSocket(driver, record);
  }
  driver.sockets.remove(record);
  if (record instanceof Connection) leaveCounts(driver, record);
  for (const callback of record.closeCallbacks.splice(0)) tellClosed(driver, record, callback);
}

/** Behind every other callback of this socket: they were queued before. */
function tellClosed(driver: Driver, record: SocketRecord, callback: CloseCallback): void {
  driver.loop.enqueue(() => {
    callbackDue(driver, record);
    callback();
  });
}

/**
 * Cancels have not ended the operations of a closing socket. closesocket does; until their packets have come they keep their
 * memory, and the close callback waits. What was to be sent or received is lost, so it is a reset.
 */
export function closeUncancelled(driver: Driver, record: SocketRecord): void {
  if (record.closed || record.socket === INVALID_SOCKET) return;
  if (record instanceof Connection && record.connected) lingerZero(driver, record.socket);
  closeSystemSocket(driver, record);
}

function closeSystemSocket(driver: Driver, record: SocketRecord): void {
  const { socket } = record;
  record.socket = INVALID_SOCKET;
  if (record.associated) driver.transport.detach(record);
  driver.counters.calls.closesocket++;
  driver.kernel.ws2_32.closesocket(socket);
}

function expectClose(driver: Driver, record: SocketRecord, callback: CloseCallback | undefined): void {
  if (callback === undefined) return;
  const told = boundOnce('close', callback);
  expectCallback(driver, record);
  // A hook of async_hooks, which has just seen it being made, may have closed the socket.
  if (record.closed) tellClosed(driver, record, told);
  else record.closeCallbacks.push(told);
}
