/** From a soak's samples to passed or failed, with the reasons. */
import { FEWEST_SAMPLES, judgeGrowth, type Verdict } from './growth.ts';
import { LIMITS, type Limit, type SoakResult } from './samples.ts';

export interface Line {
  readonly limit: Limit;
  readonly verdict: Verdict;
}

export interface Judgement {
  readonly passed: boolean;
  /** One per figure; none when the soak was too short to judge growth. */
  readonly lines: readonly Line[];
  /** What makes it fail. */
  readonly reasons: readonly string[];
  readonly sessions: number;
  readonly broken: number;
  readonly injected: number;
}

/** Judges a soak. */
export function judge(result: SoakResult): Judgement {
  const atRest = result.samples.filter(({ when }) => when === 'rest');
  const reasons = [...result.failures];
  const lines =
    atRest.length < FEWEST_SAMPLES
      ? []
      : LIMITS.map((limit) => ({
          limit,
          verdict: judgeGrowth(
            atRest.map((sample) => ({ at: sample.at, value: sample[limit.figure] })),
            limit.allowance,
          ),
        }));
  for (const { limit, verdict } of lines) {
    if (verdict.passed) continue;
    reasons.push(
      `${limit.title} at rest grew by ${show(verdict.growth, limit)}, where ${show(verdict.allowance, limit)} are allowed`,
    );
  }
  const outcomes = Object.values(result.outcomes);
  const broken = outcomes.reduce((sum, outcome) => sum + outcome.broken, 0);
  const sessions = outcomes.reduce((sum, outcome) => sum + outcome.done + outcome.broken, 0);
  const injected = Object.values(result.injected).reduce((sum, count) => sum + count, 0);
  // One failure of a call breaks one conversation at most. More broken ones have another reason.
  if (broken > injected) reasons.push(`${broken} sessions broke, and only ${injected} failures were injected`);
  for (const [kind, outcome] of Object.entries(result.outcomes)) {
    if (outcome.done === 0 && lines.length > 0) reasons.push(`No session of the kind '${kind}' ever went well`);
  }
  if (sessions === 0) reasons.push('No session was held');
  return { passed: reasons.length === 0, lines, reasons, sessions, broken, injected };
}

/** A figure in its unit. */
export function show(value: number, { divisor, unit }: Limit): string {
  const scaled = value / divisor;
  return `${scaled.toFixed(divisor === 1 && Number.isInteger(scaled) ? 0 : 2)}${unit === '' ? '' : ` ${unit}`}`;
}

/** The verdict as text for a terminal. */
export function report(result: SoakResult, judgement: Judgement): string {
  const { lines, reasons, sessions, broken, injected } = judgement;
  const rows = lines.map(
    ({ limit, verdict }) =>
      `  ${limit.title.padEnd(24)} ${show(verdict.level, limit).padStart(12)} ${show(verdict.growth, limit).padStart(12)} ` +
      `${show(verdict.allowance, limit).padStart(12)}  ${verdict.passed ? 'ok' : 'GREW'}`,
  );
  const kinds = Object.entries(result.outcomes).map(
    ([kind, { done, broken: ended }]) => `${kind} ${done}/${done + ended}`,
  );
  return [
    `${result.seconds.toFixed(0)} s, ${sessions} sessions, ${broken} of them broken by ${injected} injected failures`,
    `bytes compared: ${result.bytesVerified}; sessions that went well, of all: ${kinds.join(', ')}`,
    ...(lines.length > 0
      ? [
          `  ${'at rest'.padEnd(24)} ${'level'.padStart(12)} ${'growth'.padStart(12)} ${'allowed'.padStart(12)}`,
          ...rows,
        ]
      : [`too short to judge growth: it takes ${FEWEST_SAMPLES} rounds`]),
    ...reasons.map((reason) => `FAILED: ${reason}`),
    !judgement.passed
      ? 'FAILED'
      : lines.length > 0
        ? 'OK: nothing grew, nothing was left'
        : 'OK so far: nothing was left. Whether anything grows was not judged: run longer',
  ].join('\n');
}
