/** What a poll set knows of the sockets in it. */

/** A socket in the set, or one that may enter it. */
export interface PolledSocket {
  readonly socket: number;
  /** The events that somebody waits for, 0 for none. */
  readonly wanted: number;
  /** A connect is pending, and may have failed unreported. */
  readonly connecting: boolean;
  /** The last report was of no use to it, and so will be the next: it wants nothing for a while. */
  readonly resting: boolean;
  /** That while is over. */
  rested(): void;
  /** Its place in the array, -1 outside. The set's own. */
  place: number;
  /** Its change is noted for when the waiter no longer uses the array. The set's own. */
  noted: boolean;
  /** Something happened: `revents` as WSAPoll gave them, 0 for a look at a pending connect. */
  ready(revents: number): void;
  /** There is no memory for it in the set: it must not wait. */
  refused(): void;
}
