/** The words of the readiness calls: watch, unwatch, tryRead, tryWrite, tryAccept. docs/readiness.md explains it. */
import type { NetworkError } from './network-error.ts';

/** What tryRead, tryWrite and tryAccept answer when nothing can be done now: wait for the watch's callback. */
export const WouldBlock = -1;
export type WouldBlock = typeof WouldBlock;

/** What a watch is about. */
export interface Interest {
  /** There is something to read (or the end of the stream, or an error), or a connection to accept. */
  readable?: boolean | undefined;
  /** tryWrite would take bytes. */
  writable?: boolean | undefined;
}

/**
 * Called once in each turn of the loop in which the socket is ready, as long as it stays ready and watched (level-triggered,
 * as in poll). The last call, with an error, comes when the socket is closed here.
 */
export type WatchCallback = (error: NetworkError | null, readable: boolean, writable: boolean) => void;
