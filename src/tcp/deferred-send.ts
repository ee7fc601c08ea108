/**
 * Sends that wait for their turn.
 *
 * A send takes the system some ten microseconds or more, so whoever writes to thousands of connections in one go would keep this thread
 * from hearing anybody. The loop lets one callback send at once to a few (EventLoop.maySendNow); the others stand in its line, which it
 * goes through a part at a time. What is written to a connection that stands there goes out together, in one call. So a server that is
 * behind makes fewer calls and catches up, and a message waits once for the line to go round and not longer.
 *
 * When its turn comes, the send is a call that answers at once (immediate-calls.ts), and an overlapped one for what the system has no
 * room for. Until then nothing is in the kernel: the operation counts as one that has finished and moved nothing.
 */
import type { Context } from '../context/context.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import type { Connection } from './connection/connection.ts';
import type { WriteRequest } from './connection/requests.ts';
import { writeOf } from './connection/write-state.ts';
import { sendSegmentsNow } from './immediate-calls.ts';
import { sendCursor } from './send-cursor.ts';
import { gather } from './send-gatherer.ts';
import { isEmpty, runSoon, take } from './write-queue.ts';

/** The send is made when the loop comes to it. */
export function defer(context: Context, connection: Connection, operation: Operation): void {
  operation.requested = 0;
  writeOf(connection).deferred(true);
  context.counters.sendsDeferred++;
  context.loop.defer(operation);
}

/** Its turn has come: sends what is queued, and makes the operation one that has done so. */
export function sendDeferred(context: Context, connection: Connection, operation: Operation): void {
  const own = writeOf(connection);
  own.deferred(false);
  const { first } = own.queue;
  if (first?.file !== null || isEmpty(first)) return; // no bytes that are to go out now
  let sent = 0;
  try {
    const segments = gather(context, connection, operation);
    if (segments > 0) sent = sendSegmentsNow(context, connection, operation, segments).bytes;
  } catch {
    sendCursor.end();
  }
  operation.bytes = sent;
  // An overlapped send of the same bytes follows: it waits for room, or tells the error, or meets again what was thrown.
  if (sent === 0) operation.requested = 0;
}

/** The same for a connection whose queue is to be dropped: what only waits for its turn is sent as far as the system takes it at once. */
export function sendBeforeDrop(context: Context, connection: Connection): void {
  const { operation, isDeferred } = connection.write;
  if (!isDeferred || operation === null) return;
  let goesOn = true;
  while (goesOn) {
    sendDeferred(context, connection, operation);
    const { bytes, requested } = operation;
    operation.requested = operation.bytes = 0; // nothing is left for its turn, which comes nevertheless
    context.operations.giveBuffers(operation);
    context.counters.bytesSent += bytes;
    const done: WriteRequest | null = take(context, connection, bytes);
    if (done !== null) runSoon(context, connection, done);
    // A write of nothing is done without having moved a byte.
    goesOn = bytes === requested && (bytes > 0 || done !== null);
  }
}

/** The same for all, as their thread ends: nobody is told any more. */
export function sendAllDeferred(context: Context): void {
  for (const operation of context.operations.pending()) {
    if (operation.kind === OperationKind.Send) sendBeforeDrop(context, operation.owner as Connection);
  }
}
