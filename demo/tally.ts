/** What all clients together have done. */
import { createHistogram } from 'node:perf_hooks';

export class Tally {
  connected = 0;
  closed = 0;
  /** Messages that came back with every byte right, and their bytes. */
  messages = 0;
  bytes = 0;
  /** What went wrong, a sentence each. Empty is the only good answer. */
  readonly failures: string[] = [];
  /** Milliseconds from sending a message to having all of it back. */
  readonly #microseconds = createHistogram();

  messageCameBack(bytes: number, milliseconds: number): void {
    this.messages++;
    this.bytes += bytes;
    // A histogram takes whole numbers from 1 on.
    this.#microseconds.record(Math.max(1, Math.round(milliseconds * 1000)));
  }

  /** Latency that this share of the messages stayed within, in milliseconds; 100 is the slowest. */
  latency(percentile: number): number {
    if (this.messages === 0) return NaN;
    return (percentile === 100 ? this.#microseconds.max : this.#microseconds.percentile(percentile)) / 1000;
  }

  /** Grows with everything that happens: a number that stays the same means that nothing moves. */
  get progress(): number {
    return this.connected + this.messages + this.closed + this.failures.length;
  }
}
