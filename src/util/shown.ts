/** Values as messages show them: what was given, and not only of which type. Runs no code of the value's. */

import { inspect } from 'node:util';

/** Characters that are shown at most. */
const LONGEST = 60;

/** How inspect() runs no code of the value's, and says little of large ones. */
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
      return cut(inspect(value, HARMLESS));
  }
}
