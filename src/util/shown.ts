/**
 * Values as messages show them: what was given, and not only of which type. inspect() runs hardly any code of the value's (a getter of
 * Symbol.toStringTag, of an error's stack); when that throws, the message does without, and its error is thrown all the same.
 */

import { inspect } from 'node:util';

/** Characters that are shown at most. */
const LONGEST = 60;

/** How inspect() runs little code of the value's, and says little of large ones. */
const HARMLESS = { depth: 0, showProxy: true, customInspect: false, breakLength: Infinity, maxArrayLength: 3 } as const;

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** A value for a message, such as "the string '7007'", "null" or "{ port: 1 }". */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the string '${cut(value)}'`;
    case 'bigint':
      return `the bigint ${value}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'symbol':
      return String(value);
    case 'function':
      return 'a function';
    default:
      return cut(inspected(value));
  }
}

function inspected(value: unknown): string {
  try {
    return inspect(value, HARMLESS);
  } catch {
    return 'an object';
  }
}
