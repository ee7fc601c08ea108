/** Counts and latencies of one measurement. */
import { createHistogram } from 'node:perf_hooks';

export class Meter {
  /** Answers since begin(), per active connection. */
  readonly counts: Float64Array;
  readonly #latencies = createHistogram();
  #measuring = false;
  #begun = 0;
  #seconds = 0;

  constructor(connections: number) {
    this.counts = new Float64Array(connections);
  }

  begin(): void {
    this.counts.fill(0);
    this.#latencies.reset();
    this.#measuring = true;
    this.#begun = performance.now();
  }

  end(): void {
    this.#measuring = false;
    this.#seconds = (performance.now() - this.#begun) / 1000;
  }

  /** An answer came, this many milliseconds after its question. */
  answered(connection: number, milliseconds: number): void {
    if (!this.#measuring) return;
    this.counts[connection] = (this.counts[connection] ?? 0) + 1;
    this.#latencies.record(Math.max(1, Math.round(milliseconds * 1000)));
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  get perSecond(): number {
    return this.total / this.#seconds;
  }

  /** How far the slowest connection fell behind: its answers over those of the median connection. 1 is fair. */
  get fairness(): number {
    const sorted = this.counts.slice().sort();
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return middle === 0 ? 0 : (sorted[0] ?? 0) / middle;
  }

  /** Milliseconds; 100 is the slowest. */
  latency(percentile: number): number {
    return (percentile === 100 ? this.#latencies.max : this.#latencies.percentile(percentile)) / 1000;
  }

  /** The columns of a table that it can fill, whatever was counted. */
  figures(): { messagesPerSecond: number; p50Ms: number; p99Ms: number; maxMs: number } {
    return {
      messagesPerSecond: this.perSecond,
      p50Ms: this.latency(50),
      p99Ms: this.latency(99),
      maxMs: this.latency(100),
    };
  }
}
