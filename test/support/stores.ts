/** Whose AsyncLocalStorage store callbacks see: calls made in the store of somebody, and what each callback finds. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Bed } from './beds.ts';
import { turns, until } from './until.ts';

/** Turns after the last expected callback in which another one would come. */
const AFTERMATH_TURNS = 3;

export class Stores {
  readonly #storage = new AsyncLocalStorage<string>();
  readonly #seen: string[] = [];
  #expected = 0;

  /** Does something as somebody. */
  as<Result>(user: string, act: () => Result): Result {
    return this.#storage.run(user, act);
  }

  /** Whose store it is now. */
  get now(): string {
    return this.#storage.getStore() ?? 'nobody';
  }

  /**
   * A callback that records whom it is called as, and leaves another store behind it, which the next one must not see.
   * Expected to come once more from now on, for each call of this.
   */
  tell(what: string, then?: (...args: never[]) => void): (...args: unknown[]) => void {
    this.#expected++;
    return (...args) => {
      this.leave(what);
      then?.(...(args as never[]));
    };
  }

  /** Records whom this is run as, and leaves another store behind. */
  leave(what: string): void {
    this.note(what);
    this.#storage.enterWith(`whoever ran behind ${what}`);
  }

  /** Records whom this is run as. */
  note(what: string): void {
    this.#seen.push(`${what} as ${this.now}`);
  }

  /** What was recorded once every expected callback has come, in alphabetical order; forgotten then. */
  async seen(bed?: Bed, more = 0): Promise<string[]> {
    await until(
      () => this.#seen.length >= this.#expected + more,
      () => `${this.#expected + more} callbacks; came: ${this.#seen.join(', ')}`,
      bed,
    );
    await turns(AFTERMATH_TURNS, bed);
    this.#expected = 0;
    return this.#seen.splice(0).sort();
  }

  /** Ends it: from then on nothing of it is left in the process. */
  disable(): void {
    this.#storage.disable();
  }
}
