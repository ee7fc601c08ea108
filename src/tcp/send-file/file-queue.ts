/** A file's place in the write queue: what file-sender.ts and writer.ts do to it together. */
import type { NetworkError } from '../../pal/network-error.ts';
import { resetConnection } from '../../sockets/closer.ts';
import type { Connection } from '../connection.ts';
import type { Driver } from '../../context/context.ts';
import type { FileJob } from './file-sender.ts';
import type { Operation } from '../../memory/operation.ts';
import type { WriteRequest } from '../requests.ts';
import { answer, runSoon, send } from '../writer.ts';

/** Accounts for a send of the file at the head of the queue. Returns its request when that is done, off the queue. */
export function takeFile(
  driver: Driver,
  connection: Connection,
  operation: Operation,
  file: FileJob,
): WriteRequest | null {
  const request = connection.writes.first;
  if (request === null) return null;
  const ofHead = file.take(operation, request);
  request.sent += ofHead;
  connection.queuedBytes -= ofHead;
  driver.queuedBytes -= ofHead;
  return file.isSent && file.failure === null ? finishFile(connection, request, file) : null;
}

/**
 * The last byte of the file is sent: from here on the request is an ordinary write of what follows it. Returns it when
 * nothing does, off the queue.
 */
function finishFile(connection: Connection, request: WriteRequest, file: FileJob): WriteRequest | null {
  const { head, tail, length } = file;
  request.file = null;
  if (length === 0) request.setBuffers(head, [head, tail]);
  else request.setBuffers(tail, null);
  request.total += length;
  request.sent += length;
  connection.sendingFile = null;
  file.done();
  return request.sent === request.total ? connection.writes.shift() : null;
}

/** A file turns out to need no further send. The operation is idle. */
export function endFile(driver: Driver, connection: Connection, operation: Operation, file: FileJob): void {
  const request = connection.writes.first;
  const done = request === null ? null : finishFile(connection, request, file);
  if (done === null) {
    send(driver, connection, operation);
    return;
  }
  runSoon(driver, connection, done);
  // Nothing was submitted: an empty success carries the queue on.
  operation.requested = 0;
  driver.loop.finishInline(operation, 0, 0);
}

/** A file of which nothing was sent cannot be: the queue goes on without it. */
export function refuseFile(driver: Driver, connection: Connection, error: NetworkError): void {
  const request = connection.writes.shift();
  if (request !== null) answer(driver, connection, request, error);
}

/** A file of which a part was sent cannot be finished. The peer would take the next bytes for its rest. */
export function tearFile(driver: Driver, connection: Connection, error: NetworkError): void {
  refuseFile(driver, connection, error);
  resetConnection(driver, connection);
}

/** Parts the send operation from the file that it has been working on. */
export function letGo(connection: Connection): void {
  const { sendingFile } = connection;
  connection.sendingFile = null;
  sendingFile?.released();
}
