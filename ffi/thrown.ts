/**
 * What was thrown, whichever realm's error it is: in node:vm and jest the errors of Node.js itself are of another realm than the
 * code that runs there, and no `instanceof` holds for them.
 */
import { isNativeError } from 'node:util/types';

/** A lack of memory, of stack, or of address space. */
export function isRangeError(thrown: unknown): boolean {
  return thrown instanceof RangeError || (isNativeError(thrown) && thrown.name === 'RangeError');
}

/** A value of a wrong kind, or more pages than there can be. */
export function isTypeError(thrown: unknown): boolean {
  return thrown instanceof TypeError || (isNativeError(thrown) && thrown.name === 'TypeError');
}

/** An error's message; of anything else that was thrown, its text. (A DOMException is no native error.) */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error || isNativeError(thrown)) return thrown.message;
  return String(thrown);
}
