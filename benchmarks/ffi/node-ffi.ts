/**
 * node:ffi, as far as it is measured here: the types that this Node's @types do not have yet.
 *
 * Source: https://nodejs.org/api/ffi.html
 */
import process from 'node:process';

/** What a call takes. 64-bit integers are bigints; newer releases take numbers for them too. */
export type Value = number | bigint;
/** A function of a library. 64-bit results are bigints. */
export type Call = (...args: Value[]) => Value;

/** Types by node:ffi's names: 'i32', 'u64' and so on. */
export interface Signature {
  readonly return: string;
  readonly arguments: readonly string[];
}

export interface Library {
  getFunction(name: string, signature: Signature): Call;
  getSymbol(name: string): bigint;
  /** Returns the address of the callback. */
  registerCallback(signature: Signature, callback: (...args: bigint[]) => number): bigint;
}

export interface NodeFfi {
  /** Null is the executable itself, which Windows refuses. */
  readonly DynamicLibrary: new (path: string | null) => Library;
  readonly types: Readonly<Record<string, string>>;
  readonly getRawPointer: (source: ArrayBuffer) => bigint;
  readonly toArrayBuffer: (pointer: bigint, length: number, copy: boolean) => ArrayBuffer;
}

/** Null where there is none. The first call of a process prints a warning. */
export function nodeFfi(): NodeFfi | null {
  const found: unknown = process.getBuiltinModule('node:ffi');
  return (found as NodeFfi | undefined) ?? null;
}

/** node:ffi. Throws where there is none. */
export function requireNodeFfi(): NodeFfi {
  const ffi = nodeFfi();
  if (ffi === null) {
    throw new Error(
      `Cannot measure node:ffi on Node ${process.version}: it has none. Take 26.1 or newer, with --experimental-ffi where it asks for that`,
    );
  }
  return ffi;
}
