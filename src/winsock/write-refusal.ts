/** Writes that are answered without being queued: refused for want of room, or with nothing to wait for. */
import type { NetworkError } from '../pal/network-error.ts';
import type { BytesCallback } from '../pal/network-pal.ts';
import type { OperationHandle } from '../pal/pending-operation.ts';
import { BoundCallback } from './async-context.ts';
import type { Connection } from './connection.ts';
import { callbackDue, expectCallback, type Driver } from './driver.ts';
import { behindRefused, queueFull, queuesFull, writeTooLarge } from './errors.ts';
import { NO_OPERATION } from './pending-call.ts';
import type { WritingCall } from './requests.ts';

/** Why a write of so many bytes is refused now, or null. Throws RangeError for one that always would be. */
export function whyNotQueued(driver: Driver, connection: Connection, total: number): NetworkError | null {
  const { maxQueuedBytesPerSocket: limit, maxQueuedBytes } = driver.options;
  if (total > limit) throw writeTooLarge(total, limit, 'maxQueuedBytesPerSocket');
  if (total > maxQueuedBytes) throw writeTooLarge(total, maxQueuedBytes, 'maxQueuedBytes');
  if (connection.refusal !== null) return behindRefused(connection.refusal);
  if (connection.queuedBytes + total > limit) return queueFull(connection.queuedBytes, total, limit);
  if (driver.queuedBytes + total > maxQueuedBytes) return queuesFull(driver.queuedBytes, total, maxQueuedBytes);
  return null;
}

/** Refuses a write for want of room. Until its caller has been told, what is written behind it is refused as well. */
export function refuse(
  driver: Driver,
  connection: Connection,
  call: WritingCall,
  error: NetworkError,
  callback: BytesCallback,
): OperationHandle {
  connection.refusals++;
  connection.refusal ??= error;
  return answerSoon(driver, connection, call, error, (failure, bytes) => {
    connection.refusals--;
    if (connection.refusals === 0) connection.refusal = null;
    callback(failure, bytes);
  });
}

/** Answers a write that is not queued, in a coming turn. */
export function answerSoon(
  driver: Driver,
  connection: Connection,
  call: WritingCall,
  error: NetworkError | null,
  callback: BytesCallback,
): OperationHandle {
  const bound = new BoundCallback(call, callback);
  expectCallback(driver, connection);
  driver.loop.enqueue(() => {
    callbackDue(driver, connection);
    bound.finish(error, 0);
  });
  return NO_OPERATION;
}
