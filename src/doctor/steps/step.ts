/** A step of the self-test: something that iocp-pal promises, tried on real sockets. */
import type { NetworkPal } from '../../pal/network-pal.ts';

export interface StepParts {
  /** Initialized, and its loop is running. */
  readonly pal: NetworkPal;
  /** Monotonic milliseconds of the machine. */
  readonly now: () => number;
  /** A file of its own, with these bytes. Removed afterwards. */
  readonly withFile: <Value>(bytes: Uint8Array, use: (path: string) => Promise<Value>) => Promise<Value>;
}

/** Something works, but not as well as it should. */
export class StepFailure extends Error {
  readonly advice: string;

  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

export interface Step {
  readonly name: string;
  /** For a failure of which nothing more is known. */
  readonly advice: string;
  /** Resolves with what was seen; rejects with what went wrong. */
  run(parts: StepParts): Promise<string>;
}

/** Throws with both values unless they are the same. */
export function expectSame(what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${what} should have been ${String(wanted)}, and was ${String(seen)}`);
}
