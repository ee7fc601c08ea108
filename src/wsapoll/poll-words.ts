/** The words of the control block that are the WSAPoll backend's own: where the array is, and how long to wait. */
import { FIRST_FREE_WORD } from '../wait/wait-permit.ts';

export interface PollWords {
  /** Address of the WSAPOLLFD array, in two halves. */
  readonly addressLow: number;
  readonly addressHigh: number;
  /** Entries of the array that count. */
  readonly fds: number;
  /** Milliseconds to wait at most; 0 for as long as it takes. */
  readonly limit: number;
}

export const POLL_WORDS: PollWords = {
  addressLow: FIRST_FREE_WORD,
  addressHigh: FIRST_FREE_WORD + 1,
  fds: FIRST_FREE_WORD + 2,
  limit: FIRST_FREE_WORD + 3,
};
