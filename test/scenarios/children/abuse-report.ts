/** What the scenario abuse and its test agree on. */

export const GOOD = 20;
export const BAD = 400;

/** Exit code of a run in which a good client was thrown out, or got no answer. */
export const LOST_A_GOOD_ONE = 3;

/** What the test reads. */
export interface AbuseReport {
  readonly alone: Answers;
  readonly among: Answers;
  /** How often one of the bad ones has connected, and was thrown out. */
  readonly connected: number;
  readonly thrownOut: number;
  readonly tooSlow: number;
  readonly tooQuiet: number;
  /** Highest values while they were there. */
  readonly pinnedBytes: number;
  readonly queuedBytes: number;
  /** When they had gone: what is left besides the good ones. */
  readonly socketsLeft: number;
  readonly queuedLeft: number;
}

/** Of the good ones: all together, and whoever got the fewest. */
export interface Answers {
  readonly answers: number;
  readonly fewest: number;
}

/** Enough of each kind was thrown out, and some have come back. */
export function hasSeenEnough({ tooSlow, tooQuiet, connected, thrownOut }: Throwing): boolean {
  return tooSlow > 100 && tooQuiet > 10 && connected > BAD && thrownOut > 100;
}

type Throwing = Pick<AbuseReport, 'tooSlow' | 'tooQuiet' | 'connected' | 'thrownOut'>;
