/** What V8 keeps in the place of a pointer: a number that it has as anything else takes 16 bytes of memory, wherever it is. */
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';

/** Whether V8 has a number as a small integer: not every one that could be one is. */
export const isSmallInteger = compileWithNatives('(value) => %IsSmi(value)');

function compileWithNatives(source: string): (value: number) => boolean {
  setFlagsFromString('--allow-natives-syntax');
  try {
    const compiled = runInThisContext(source) as (value: number) => boolean;
    compiled(0); // V8 compiles a function when it is first called
    return compiled;
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}
