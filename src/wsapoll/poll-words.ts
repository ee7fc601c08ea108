/** The words of the control block that are the WSAPoll driver's own: where the array is, and how long to wait. */
import { FIRST_FREE_WORD } from '../winsock/waiter/gate.ts';

/** Address of the WSAPOLLFD array, in two halves. */
export const ADDRESS_LOW_WORD = FIRST_FREE_WORD;
export const ADDRESS_HIGH_WORD = FIRST_FREE_WORD + 1;
/** Entries of the array that count. */
export const FDS_WORD = FIRST_FREE_WORD + 2;
/** Milliseconds to wait at most; 0 for as long as it takes. */
export const LIMIT_WORD = FIRST_FREE_WORD + 3;
