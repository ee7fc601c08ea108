/**
 * Where a simulation's decisions come from. A simulation asks for a number below `count` whenever a real system could go
 * more than one way: which step comes next, how many bytes arrive, whether a cancel wins.
 *
 * Three sources: a seed (sampling), a script (what fast-check generates and shrinks), and ChoiceTree (every way, one
 * after another).
 */
import { Prng } from './prng.ts';

/** Where decisions come from. */
export interface Choices {
  /** Decides between `count` ways, the number of which is at least 1: returns an index, 0 … count - 1. */
  pick(count: number): number;
}

/** Decisions by a generator; each `seed`, an integer of 32 bits, gives the same ones every time. */
export function seededChoices(seed: number): Choices {
  const prng = new Prng(seed);
  return { pick: (count) => (count === 1 ? 0 : prng.next() % count) };
}

/** Always the first way: the plainest run. */
export const firstChoice: Choices = { pick: () => 0 };

/** Decisions from a list, each taken modulo the number of ways, and from `rest` once the list is used up. */
export function scriptedChoices(script: readonly number[], rest: Choices): Choices {
  let next = 0;
  return {
    pick(count) {
      if (count === 1) return 0;
      const value = script[next];
      if (value === undefined) return rest.pick(count);
      next++;
      return value % count;
    },
  };
}

interface Branch {
  chosen: number;
  readonly count: number;
}

/**
 * Walks through every way, depth first: run the same thing again and again, each time with the tree as its choices, while
 * advance() says that there is another way.
 */
export class ChoiceTree implements Choices {
  readonly #path: Branch[] = [];
  #depth = 0;

  pick(count: number): number {
    if (count === 1) return 0;
    const known = this.#path[this.#depth];
    if (known === undefined) this.#path.push({ chosen: 0, count });
    else if (known.count !== count) {
      throw new Error(
        `Choice ${this.#depth} had ${known.count} ways and now has ${count}: what is run is not deterministic`,
      );
    }
    const chosen = known?.chosen ?? 0;
    this.#depth++;
    return chosen;
  }

  /** Goes to the next way. Returns false when all have been walked. */
  advance(): boolean {
    this.#path.length = this.#depth;
    this.#depth = 0;
    for (let last = this.#path.at(-1); last !== undefined; last = this.#path.at(-1)) {
      last.chosen++;
      if (last.chosen < last.count) return true;
      this.#path.pop();
    }
    return false;
  }

  /** The decisions of the current way, to name it in a failure. */
  get path(): readonly number[] {
    return this.#path.slice(0, this.#depth).map(({ chosen }) => chosen);
  }
}
