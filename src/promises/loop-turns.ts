/** Turns of the event loop, told apart by their numbers. */
import type { Scheduler } from '../platform/platform.ts';

export class LoopTurns {
  readonly #scheduler: Scheduler;
  #number = 0;
  #isAsked = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The same all through a turn, and another one later. Costs the loop one callback for each turn in which anybody asks. */
  get current(): number {
    if (!this.#isAsked) {
      this.#isAsked = true;
      this.#scheduler.soon(() => {
        this.#isAsked = false;
        this.#number++;
      });
    }
    return this.#number;
  }
}

const byScheduler = new WeakMap<Scheduler, LoopTurns>();

/** Those of this scheduler's loop: one object for all that run on it. */
export function turnsOf(scheduler: Scheduler): LoopTurns {
  let turns = byScheduler.get(scheduler);
  if (turns === undefined) byScheduler.set(scheduler, (turns = new LoopTurns(scheduler)));
  return turns;
}
