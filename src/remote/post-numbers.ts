/** Numbers the callbacks of onRemotePost: kept from run to run, so that a message for one of an earlier run finds nobody. */
import { firstPostOf } from '../util/pal-number.ts';

export class PostNumbers {
  #last: number;

  /** @param pal number of the PAL, which the numbers carry */
  constructor(pal: number) {
    this.#last = firstPostOf(pal);
  }

  /** A number that this PAL has never given out, and no other PAL will. */
  next(): number {
    this.#last++;
    return this.#last;
  }
}
