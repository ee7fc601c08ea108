/**
 * What counts as slower: a ratio below what the baseline's own runs scatter over.
 *
 * The baseline is several runs of one state of the library on one machine. Ratios of other machines are others (net's was 1.1 on one and
 * 1.5 on the next), so each bed has a baseline of its own, and a run on a machine that has none only says what it measured.
 */

/** Ratios by question: × node:net, more is better. */
export type Ratios = Readonly<Record<string, number>>;

/** One run that was kept. */
export interface Run {
  date: string;
  commit: string;
  /** Where: runs of different beds are not compared. */
  bed: string;
  ratios: Ratios;
}

/** What is kept of earlier runs. */
export interface History {
  /** The commit that each bed's baseline runs were made of. */
  baselines: Record<string, string>;
  runs: Run[];
}

export interface Bounds {
  middle: number;
  low: number;
  high: number;
}

/** Standard deviations that a ratio may be off: of 13 questions, one in 30 runs is by chance. */
const DEVIATIONS = 3;
/** The least that a ratio may be off: a few runs of one evening scatter less than those of a year. */
const LEAST_SHARE = 0.08;

/** @returns null where the baseline does not have the question */
export function boundsOf(runs: readonly Run[], question: string): Bounds | null {
  const values = runs.flatMap(({ ratios }) => ratios[question] ?? []);
  if (values.length === 0) return null;
  const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1);
  const off = Math.max(DEVIATIONS * Math.sqrt(variance), LEAST_SHARE * middle);
  return { middle, low: middle - off, high: middle + off };
}

/** The runs that a run of this bed is compared with. */
export function baselineOf({ baselines, runs }: History, bed: string): Run[] {
  return runs.filter((run) => run.bed === bed && run.commit === baselines[bed]);
}

export type Verdict = 'slower' | 'faster' | 'as before' | 'new';

export function judge(ratio: number, bounds: Bounds | null): Verdict {
  if (bounds === null) return 'new';
  if (ratio < bounds.low) return 'slower';
  return ratio > bounds.high ? 'faster' : 'as before';
}
