/** Checks of values that callers give: each throws an error with a code that says what the value must be. */
import { argumentError } from '../pal/network-error.ts';
import { shown } from './shown.ts';

/** Throws unless `value` is an integer in the range. */
export function requireInteger(name: string, value: unknown, least: number, most: number): asserts value is number {
  if (typeof value !== 'number') {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_TYPE',
      `Cannot use ${name}: it must be a number, and is ${shown(value)}`,
    );
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw argumentError(
      RangeError,
      'ERR_OUT_OF_RANGE',
      `Cannot use ${name} ${value}: it must be an integer from ${least} to ${most}`,
    );
  }
}

export function requireOneOf(name: string, value: unknown, words: readonly string[]): void {
  if (typeof value === 'string' && words.includes(value)) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot use ${name}: it must be one of ${words.map((word) => `'${word}'`).join(', ')}, and is ${typeof value === 'string' ? `'${value}'` : shown(value)}`,
  );
}
