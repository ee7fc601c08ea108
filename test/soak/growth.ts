/**
 * Does a series of samples grow? The rule by which a soak fails.
 *
 * The first quarter is warm-up and does not count. Over the rest, the slope is Theil and Sen's: the median of the slopes
 * between all pairs of samples. It takes no notice of up to 29 % of outliers, of noise around a level, nor of one step
 * (a cache that is filled once), and finds a steady rise however slow, and a staircase. Slope times time is the growth,
 * which must stay within an allowance: a figure per series, with its reason, in limits.ts.
 *
 * Rejected: the last sample against the first (one outlier decides); least squares (so does an outlier at the end);
 * medians of quarters alone (one step in the middle is a failure, and a soak of hours has such steps).
 *
 * Source: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968.
 */

/** One sample: when, seconds from any start, and how much. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

export interface Verdict {
  /** Level at the end of the warm-up, as the line through the samples has it. */
  readonly level: number;
  /** What the line rises by from there to the last sample; negative when it falls. */
  readonly growth: number;
  readonly allowance: number;
  readonly passed: boolean;
}

/** Samples that a verdict takes at least, warm-up included: with fewer, one outlier would be a tenth of them. */
export const FEWEST_SAMPLES = 12;
const WARM_UP_SHARE = 0.25;

/** Judges a series. Throws RangeError when it is too short for a verdict. */
export function judgeGrowth(series: readonly Point[], allowance: number): Verdict {
  if (series.length < FEWEST_SAMPLES) {
    throw new RangeError(
      `Cannot judge ${series.length} samples: it takes ${FEWEST_SAMPLES}. Run longer, or sample more often`,
    );
  }
  const counted = series.slice(Math.floor(series.length * WARM_UP_SHARE));
  const slope = theilSen(counted);
  const first = counted[0]?.at ?? 0;
  const span = (counted.at(-1)?.at ?? 0) - first;
  const level = median(counted.map(({ at, value }) => value - slope * (at - first)));
  const growth = slope * span;
  return { level, growth, allowance, passed: growth <= allowance };
}

/** The median of the slopes between all pairs of points, value per second. */
export function theilSen(points: readonly Point[]): number {
  const slopes: number[] = [];
  points.forEach((from, index) => {
    for (const to of points.slice(index + 1)) {
      if (to.at > from.at) slopes.push((to.value - from.value) / (to.at - from.at));
    }
  });
  return median(slopes);
}

/** The middle one, or the mean of the two in the middle; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}
