/** Records callbacks in the order in which they come, and fails on one that comes twice. */
import type { NetworkError } from '../../src/index.ts';
import type { Bed } from './beds.ts';
import { turns, until } from './until.ts';

/** Turns after the last expected callback in which a second one would come. */
const AFTERMATH_TURNS = 5;

export class Outcomes {
  /** `label code`, with the code of the error or 'ok'. */
  readonly log: string[] = [];
  readonly errors = new Map<string, NetworkError | null>();
  readonly values = new Map<string, unknown>();
  #expected = 0;
  readonly #twice: string[] = [];

  /** A callback for one operation; counts as expected from now on. */
  expect(label: string): (error?: NetworkError | null, value?: unknown) => void {
    this.#expected++;
    let called = false;
    return (error = null, value) => {
      if (called) this.#twice.push(label);
      called = true;
      this.log.push(`${label} ${error === null ? 'ok' : error.code}`);
      this.errors.set(label, error);
      this.values.set(label, value);
    };
  }

  /** Resolves when each expected callback has come exactly once, and some turns have brought no other. */
  async settled(bed?: Bed): Promise<void> {
    await until(
      () => this.log.length >= this.#expected,
      () => `${this.#expected} callbacks; came: ${this.log.join(', ')}`,
      bed,
    );
    await turns(AFTERMATH_TURNS, bed);
    if (this.#twice.length > 0) throw new Error(`Called more than once: ${this.#twice.join(', ')}`);
  }
}
