/**
 * Operations that come back as cancelled although nobody here has asked for it: Windows may cancel one with another of its socket
 * (dotnet/corefx#32981). They are posted again, and no callback hears of it; but a system, or a layered provider, that answers
 * nothing else must not keep the loop busy for ever.
 */
import type { SocketRecord } from './socket-record.ts';

/** In a row on one socket, without a success in between: what its other operations can cause, and more. */
export const MOST_UNASKED_CANCELS = 64;

/**
 * Counts one. Returns false when it is one too many, and the call is to fail with it.
 * @param posted operations that one cancel can end together: a server's accepts
 */
export function mayPostAgain(record: SocketRecord, posted = 1): boolean {
  if (record.unaskedCancels >= MOST_UNASKED_CANCELS * posted) return false;
  record.unaskedCancels++;
  return true;
}
