/** Writes that are answered without being queued: refused for want of room, or with nothing to wait for. */
import type { NetworkError } from '../pal/network-error.ts';
import type { OperationHandle } from '../pal/pending-operation.ts';
import type { Connection } from './connection.ts';
import { callbackDue, expectCallback, type Driver } from '../context/context.ts';
import { behindRefused, queueFull, queuesFull, writeTooLarge } from '../util/errors.ts';
import { NO_OPERATION } from '../sockets/pending-call.ts';
import type { WriteRequest } from './requests.ts';

/** Why a write of so many bytes is refused now, or null. Throws RangeError for one that always would be. */
export function whyNotQueued(driver: Driver, connection: Connection, total: number): NetworkError | null {
  const { maxQueuedBytesPerSocket: limit, maxQueuedBytes } = driver.options;
  if (total > limit) throw writeTooLarge(total, limit, 'maxQueuedBytesPerSocket');
  if (total > maxQueuedBytes) throw writeTooLarge(total, maxQueuedBytes, 'maxQueuedBytes');
  if (connection.write.refusal !== null) return behindRefused(connection.write.refusal);
  if (connection.write.queuedBytes + total > limit) return queueFull(connection.write.queuedBytes, total, limit);
  if (driver.queuedBytes + total > maxQueuedBytes) return queuesFull(driver.queuedBytes, total, maxQueuedBytes);
  return null;
}

/** Refuses a write for want of room. Until its caller has been told, what is written behind it is refused as well. */
export function refuse(
  driver: Driver,
  connection: Connection,
  request: WriteRequest,
  error: NetworkError,
): OperationHandle {
  connection.write.refuse(error);
  return answerWith(driver, connection, request, (callback) => {
    connection.write.refusalTold();
    callback.finish(error, 0);
  });
}

/** Answers a write that is not queued, in a coming turn. */
export function answerSoon(
  driver: Driver,
  connection: Connection,
  request: WriteRequest,
  error: NetworkError | null,
): OperationHandle {
  return answerWith(driver, connection, request, (callback) => callback.finish(error, 0));
}

function answerWith(
  driver: Driver,
  connection: Connection,
  request: WriteRequest,
  answer: (callback: WriteRequest['callback']) => void,
): OperationHandle {
  const { callback } = request;
  driver.requests.giveWrite(request);
  expectCallback(driver, connection);
  driver.loop.enqueue(() => {
    callbackDue(driver, connection);
    answer(callback);
  });
  return NO_OPERATION;
}
