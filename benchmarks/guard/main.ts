/**
 * npm run bench -- guard: does the library get slower? The key questions as ratios to node:net and node:dgram of the same run, beside the
 * runs that benchmarks/guard/history.json keeps of this bed.
 *
 * A ratio that is too low is measured once more before it is believed: of a dozen questions one is off by chance now and then.
 * `--record run` keeps the run in the file; `--record baseline` also makes it (with the others of the same commit) what later
 * runs are compared with.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { CpuPlan } from '../lib/cpus.ts';
import { describeEnvironment, formatEnvironment, type Environment } from '../lib/environment.ts';
import type { Options } from '../lib/options.ts';
import { runScenario } from '../lib/runner.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { baselineOf, boundsOf, judge, type Ratios, type Run } from './bounds.ts';
import { HISTORY_FILE, keep, readHistory } from './history.ts';
import { measureOwnCode } from './own-code.ts';
import { CELLS, nameOf, optionsOf, type Cell } from './questions.ts';

/** Returns the exit code: 1 when something is slower, or could not be measured. */
export async function runGuard({ json, record }: Options, cpus: CpuPlan | null): Promise<number> {
  const history = readHistory();
  const measured = await measureAll(CELLS, cpus);
  const ratios: Record<string, number> = { ...measureOwnCode(), ...measured.ratios };
  const environment = describeEnvironment(measured.serverNode, cpus);
  const bed = bedOf(environment);
  const baseline = baselineOf(history, bed);
  const isSlow = (question: string): boolean => judge(ratios[question] ?? 0, boundsOf(baseline, question)) === 'slower';
  const doubtful = CELLS.filter((cell) => cell.peers.some((peer) => isSlow(nameOf(cell, peer))));
  const again = await measureAll(doubtful, cpus);
  for (const [question, ratio] of Object.entries(again.ratios))
    ratios[question] = Math.max(ratio, ratios[question] ?? 0);

  console.log(`\n${formatVerdicts(ratios, baseline)}\n\n${formatEnvironment(environment)}`);
  const run: Run = { date: environment.date, commit: commitOf(), bed, ratios };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ environment, ...run }, null, 2)}\n`);
  if (record !== null) keep(history, run, record === 'baseline');
  else if (baseline.length === 0) console.log(`No baseline of ${bed} in ${HISTORY_FILE}: --record baseline makes one.`);
  const failures = [...measured.failures, ...again.failures];
  for (const failure of failures) console.error(failure);
  return failures.length > 0 || Object.keys(ratios).some(isSlow) ? 1 : 0;
}

interface Measured {
  ratios: Ratios;
  failures: string[];
  serverNode: string;
}

async function measureAll(cells: readonly Cell[], cpus: CpuPlan | null): Promise<Measured> {
  const ratios: Record<string, number> = {};
  const failures: string[] = [];
  let serverNode = '';
  for (const cell of cells) {
    const scenario = SCENARIOS[cell.scenario];
    if (scenario === undefined) throw new Error(`There is no scenario ${cell.scenario}`);
    const result = await runScenario(cell.scenario, scenario, optionsOf(cell), cpus);
    ({ serverNode } = result);
    for (const { peer, ratioToNodeNet, failures: why } of result.rows) {
      failures.push(...why.map((text) => `${nameOf(cell, peer)}: ${text}`));
      if (cell.peers.includes(peer) && ratioToNodeNet !== null) ratios[nameOf(cell, peer)] = ratioToNodeNet;
    }
  }
  return { ratios, failures, serverNode };
}

function formatVerdicts(ratios: Ratios, baseline: readonly Run[]): string {
  const lines = Object.entries(ratios).map(([question, ratio]) => {
    const bounds = boundsOf(baseline, question);
    const range = bounds === null ? '' : `${bounds.low.toFixed(2)} – ${bounds.high.toFixed(2)}`;
    return `| ${question.padEnd(42)} | ${ratio.toFixed(2).padStart(5)} | ${range.padStart(13)} | ${judge(ratio, bounds).padEnd(9)} |`;
  });
  return [
    `| ${'question'.padEnd(42)} | ratio | baseline      | verdict   |`,
    `| ${'-'.repeat(42)} | ----: | ------------: | --------- |`,
    ...lines,
  ].join('\n');
}

/** What ratios depend on most: the system, and the Node.js that serves. */
function bedOf({ wine, serverNode, os }: Environment): string {
  return `${wine?.split(' ')[0] ?? os}, Node ${/v(\d+)/.exec(serverNode)?.[1] ?? serverNode}`;
}

function commitOf(): string {
  return spawnSync('git', ['rev-parse', '--short=7', 'HEAD'], { encoding: 'utf8' }).stdout.trim() || 'unknown';
}
