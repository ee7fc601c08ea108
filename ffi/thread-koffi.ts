/**
 * koffi in a thread that is started from text (src/wait/waiter-program.ts).
 *
 * The two functions' own text is what such a thread runs: they may use their parameters and what JavaScript and Node.js
 * bring, and nothing that this file imports or declares.
 */
import type { KoffiModule } from './koffi.ts';

/** One function of a DLL. */
export interface CFunction {
  readonly dll: string;
  readonly declaration: string;
}

/**
 * Loads koffi from the first of `files` that can be loaded: koffi's native add-on itself, whose functions are koffi's, or
 * koffi's main file. Absolute paths. Throws what the last one threw.
 */
export function loadKoffiFrom(files: readonly string[]): KoffiModule {
  // Not require(): a thread from text has none where --input-type=module is in force.
  const { createRequire } = globalThis.process.getBuiltinModule('node:module');
  let failure: unknown = new Error('No file of koffi is known in the thread that started this one');
  for (const file of files) {
    try {
      return createRequire(file)(file) as KoffiModule;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Makes a function of a DLL callable. */
export function bindFunction(koffi: KoffiModule, call: CFunction): (...args: number[]) => number {
  return koffi.load(call.dll).func(call.declaration) as (...args: number[]) => number;
}
