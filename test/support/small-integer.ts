/** What V8 keeps in the place of a pointer: a number that it has as anything else takes 16 bytes of memory, wherever it is. */
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';

/** Whether V8 has a number as a small integer: not every one that could be one is. */
export function isSmallInteger(value: number): boolean {
  // Around the call, too: V8 compiles a function when it is called, and again when it was not for a while.
  setFlagsFromString('--allow-natives-syntax');
  try {
    const isSmi = runInThisContext('(value) => %IsSmi(value)') as (value: number) => boolean;
    return isSmi(value);
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}
