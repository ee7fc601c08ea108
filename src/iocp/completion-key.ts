/**
 * Every completion key that a port of ours can carry. A socket's key is its handle (the PAL's number, a generation and
 * an index below 2^20; generations start at 1), so keys below 2^20 are free for packets that we post ourselves.
 */

/** Posted to make a blocked GetQueuedCompletionStatusEx return; carries no OVERLAPPED. */
export const WAKE_KEY = 1;

/** Posted by other threads when they have submitted something to a loop that slept (src/remote); no OVERLAPPED either. */
export const REMOTE_KEY = 2;
