/** Checks of values that callers give: each throws an error with a code that says what the value must be. */
import { argumentError } from '../pal/network-error.ts';
import { shown } from './shown.ts';

/** Throws unless `value` is an integer in the range. */
export function requireInteger(name: string, value: unknown, least: number, most: number): asserts value is number {
  if (!isInteger(value) || value < least || value > most) throw outOfRange(name, value, least, most);
}

/** Number.isInteger, which says of no other type that it is one, as TypeScript should know it. */
const isInteger = Number.isInteger as (value: unknown) => value is number;

function outOfRange(name: string, value: unknown, least: number, most: number): Error {
  if (typeof value !== 'number') return wrongType(name, 'a number', value);
  return argumentError(
    RangeError,
    'ERR_OUT_OF_RANGE',
    `Cannot use ${name} ${value}: it must be an integer from ${least} to ${most}`,
  );
}

/** Throws unless `value` is a function. */
export function requireFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw noFunction(name, value);
}

function noFunction(name: string, value: unknown): TypeError {
  return wrongType(name, 'a function', value);
}

/** The error for a value of a type that cannot be. @param wanted what it must be */
export function wrongType(name: string, wanted: string, value: unknown): TypeError & { code: string } {
  return argumentError(
    TypeError,
    'ERR_INVALID_ARG_TYPE',
    `Cannot use ${name}: it must be ${wanted}, and is ${shown(value)}`,
  );
}

export function requireOneOf(name: string, value: unknown, words: readonly string[]): void {
  if (typeof value === 'string' && words.includes(value)) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot use ${name}: it must be one of ${words.map((word) => `'${word}'`).join(', ')}, and is ${typeof value === 'string' ? `'${value}'` : shown(value)}`,
  );
}
