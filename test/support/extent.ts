/** How much a long test tries: a sample in `npm test`, everything with `npm run test:long`. */
import process from 'node:process';

/** Whether everything is tried. */
export const isLong = process.env['IOCP_PAL_LONG'] === '1';

/**
 * One of `alternatives` in `npm test`, all of them with `npm run test:long`.
 *
 * @param index of the test, so that neighbours try different ones
 */
export function sampleOf<T>(alternatives: readonly T[], index: number): readonly T[] {
  return isLong ? alternatives : alternatives.filter((_, at) => at === index % alternatives.length);
}
