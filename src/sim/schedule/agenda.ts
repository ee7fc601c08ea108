/**
 * What may happen next: the steps that are possible at this moment, in no order. Which of them comes first is the
 * scheduler's decision; a real system's is just as free, as long as each step is possible.
 */

/** Something that may happen, while it is on the agenda. */
export class Step {
  /** Place on the agenda, -1 while it is not there. */
  place = -1;
  readonly run: () => void;
  /** Runs code of the simulated process, so promises may have been settled by it. */
  readonly runsCode: boolean;
  readonly what: string;
  /** A turn of the process's own, which may have been planned by a timer. */
  readonly isTurn: boolean;

  constructor(what: string, run: () => void, runsCode = false, isTurn = false) {
    this.isTurn = isTurn;
    this.what = what;
    this.run = run;
    this.runsCode = runsCode;
  }
}

export class Agenda {
  readonly #steps: Step[] = [];
  /** Called when something was added to an empty agenda. */
  onWork: (() => void) | null = null;

  get length(): number {
    return this.#steps.length;
  }

  at(place: number): Step | undefined {
    return this.#steps[place];
  }

  add(step: Step): void {
    if (step.place >= 0) return;
    step.place = this.#steps.length;
    this.#steps.push(step);
    if (this.onWork !== null) this.onWork();
  }

  remove(step: Step): void {
    const { place } = step;
    if (place < 0) return;
    step.place = -1;
    const last = this.#steps.pop();
    if (last === undefined || last === step) return;
    this.#steps[place] = last;
    last.place = place;
  }

  /** Adds or removes. */
  set(step: Step, possible: boolean): void {
    if (possible) this.add(step);
    else this.remove(step);
  }
}
