/** The runs that were kept: history.json of this folder, which belongs to the repository. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { History, Run } from './bounds.ts';

export const HISTORY_FILE = 'benchmarks/guard/history.json';

export function readHistory(): History {
  if (!existsSync(HISTORY_FILE)) return { baselines: {}, runs: [] };
  return JSON.parse(readFileSync(HISTORY_FILE, 'utf8')) as History;
}

/** Adds a run; as a baseline, later runs of its bed are compared with those of its commit. */
export function keep(history: History, run: Run, isBaseline: boolean): void {
  history.runs.push(run);
  if (isBaseline) history.baselines[run.bed] = run.commit;
  writeFileSync(HISTORY_FILE, `${JSON.stringify(history, null, 2)}\n`);
}
