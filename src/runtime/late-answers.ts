/**
 * Answers of calls that come while the loop stops, or after it has stopped: ConnectionClosed, whatever was asked.
 *
 * A callback that goes on as usual makes a few of them. One that makes the next call whatever its error is would go on for
 * ever, and keep the stop from ending. So the first answers come at once, a thousand and for each socket that was open
 * some more; those after them later and later, by a timer that neither the stop nor the process waits for.
 */
import type { Scheduler } from '../platform/platform.ts';

/** Answers that come at once. */
const PROMPT = 1000;
const PROMPT_PER_SOCKET = 16;
/** Milliseconds that the first answer after them takes; each of the next takes twice as long, up to the second number. */
const FIRST_DELAY_MS = 1;
const LAST_DELAY_MS = 1000;

export class LateAnswers {
  readonly #scheduler: Scheduler;
  #promptLeft: number;
  #delay = FIRST_DELAY_MS;

  /** @param open sockets that were open when the stop began */
  constructor(scheduler: Scheduler, open: number) {
    this.#scheduler = scheduler;
    this.#promptLeft = PROMPT + PROMPT_PER_SOCKET * open;
  }

  /** Runs an answer: with `prompt`, in a coming turn, or later. */
  give(answer: () => void, prompt: (answer: () => void) => void): void {
    if (this.#promptLeft > 0) {
      this.#promptLeft--;
      prompt(answer);
      return;
    }
    this.#scheduler.setTimer(this.#delay, answer);
    this.#delay = Math.min(2 * this.#delay, LAST_DELAY_MS);
  }
}
