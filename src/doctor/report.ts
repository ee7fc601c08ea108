/** What doctor has found: the machine's facts and the outcome of each check, as data and as text. */

/** ok: as it should be. note: iocp-pal works, with something less. failed: something does not work, and advice says what to do. */
export type CheckStatus = 'ok' | 'note' | 'failed';

export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  /** How long it took, milliseconds; 0 for what only looks at facts. */
  readonly ms: number;
  /** What was seen. */
  readonly detail: string;
  /** What to do about it, of a check that is not ok. */
  readonly advice?: string;
}

/** A group of facts: names in the order of printing, with plain values. */
export type Facts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface DoctorReport {
  /** Of iocp-pal. */
  readonly version: string;
  /** ok and failed are the checks'; unable: nothing of it can run here. */
  readonly verdict: 'ok' | 'failed' | 'unable';
  /** Why it is unable. */
  readonly reason?: string;
  /** True when the kernel was a simulated one, as asked for. */
  readonly simulated: boolean;
  readonly facts: Readonly<Record<string, Facts>>;
  readonly checks: readonly Check[];
}

/** All good; a check failed; cannot run here, or not with these arguments. */
export const EXIT_CODES = { ok: 0, failed: 1, unable: 2 } as const;

const SIGNS: Readonly<Record<CheckStatus, string>> = { ok: 'ok    ', note: 'note  ', failed: 'FAILED' };

/** As text to read, and to paste into a report. */
export function formatReport(report: DoctorReport): string {
  const platform = report.simulated ? ', on the simulated platform' : '';
  const lines = [`iocp-pal ${report.version} doctor${platform}`];
  for (const [group, facts] of Object.entries(report.facts)) {
    lines.push('', group);
    const width = Math.max(...Object.keys(facts).map((name) => name.length));
    for (const [name, value] of Object.entries(facts)) {
      for (const [index, line] of formatValue(value).entries())
        lines.push(`  ${(index === 0 ? name : '').padEnd(width)}  ${line}`);
    }
  }
  if (report.checks.length > 0) lines.push('', 'checks');
  for (const { name, status, ms, detail, advice } of report.checks) {
    lines.push(`  ${SIGNS[status]}  ${name}${ms > 0 ? `, ${Math.round(ms)} ms` : ''}: ${detail}`);
    if (advice !== undefined) lines.push(`          ${advice}`);
  }
  lines.push('', verdictOf(report));
  return lines.join('\n');
}

function formatValue(value: Facts[string] | undefined): readonly string[] {
  if (value === null || value === undefined) return ['not known'];
  if (typeof value === 'boolean') return [value ? 'yes' : 'no'];
  if (typeof value !== 'object') return [String(value)];
  return value.length === 0 ? ['none'] : value;
}

function verdictOf({ verdict, reason, checks }: DoctorReport): string {
  if (verdict === 'unable') return `iocp-pal cannot run here: ${reason ?? 'no reason given'}`;
  const failed = checks.filter(({ status }) => status === 'failed').length;
  if (failed > 0) return `${failed} of ${checks.length} checks failed. Each says what to do`;
  return `All ${checks.length} checks passed`;
}
