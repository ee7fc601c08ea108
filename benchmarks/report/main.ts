/**
 * npm run bench -- report: from the results in docs/benchmarks/*.json to the charts and tables of docs/benchmarks.md and docs/performance.md.
 *
 * The pages are written by hand; between `<!-- table: <file> -->` and `<!-- end -->` their tables are made here.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatEnvironment, type Environment } from '../lib/environment.ts';
import { NOTHING_MEASURED } from '../lib/scenario.ts';
import type { Row } from '../lib/rows.ts';
import { formatRows } from '../lib/table.ts';
import { readHistory } from '../guard/history.ts';
import { lineChart, type ChartOptions } from './chart.ts';

const FOLDER = 'docs/benchmarks';
const PAGES = ['docs/benchmarks.md', 'docs/performance.md'];

interface Results {
  /** The file's name without .json. */
  name: string;
  environment: Environment;
  rows: Row[];
}

/** The charts: a figure over the number of connections, from the result file of the scenario's name. */
const CHARTS: readonly (ChartOptions & { file: string; scenario: string; bytes?: number; figure: keyof Row })[] = [
  {
    file: 'echo.svg',
    scenario: 'echo',
    bytes: 64,
    figure: 'ratioToNodeNet',
    title: 'Echo of 64 bytes, all connections active',
    xLabel: 'connections',
    yLabel: 'rate, × node:net',
  },
  {
    file: 'echo-p99.svg',
    scenario: 'echo',
    bytes: 64,
    figure: 'p99Ms',
    title: 'Echo of 64 bytes: 99th percentile of the round trip',
    xLabel: 'connections',
    yLabel: 'ms',
    logarithmic: true,
  },
  {
    file: 'fan-out.svg',
    scenario: 'fan-out',
    figure: 'p99Ms',
    title: 'Fan-out of a stream of 4 Mbit/s: 99th percentile of the delay',
    xLabel: 'players',
    yLabel: 'ms',
    logarithmic: true,
  },
  {
    file: 'idle.svg',
    scenario: 'idle',
    figure: 'messagesPerSecond',
    title: 'Echo on 16 connections, the others open and silent',
    xLabel: 'connections',
    yLabel: 'messages per second',
    logarithmic: true,
  },
];

/** Returns the files written. */
export async function writeReport(): Promise<string[]> {
  const results = readResults();
  const written: string[] = [];
  for (const { file, scenario, bytes, figure, ...options } of CHARTS) {
    const points = results
      .filter(({ name }) => name === scenario)
      .flatMap(({ rows }) => rows)
      .filter((row) => bytes === undefined || row.messageBytes === bytes)
      .flatMap((row) => {
        const y = row[figure];
        return typeof y === 'number' ? [{ peer: row.peer, x: row.connections, y }] : [];
      });
    if (points.length === 0) continue;
    writeFileSync(path.join(FOLDER, file), await lineChart(points, options));
    written.push(path.join(FOLDER, file));
  }
  written.push(...(await writeGuardCharts()));
  for (const page of PAGES) writeFileSync(page, fillTables(readFileSync(page, 'utf8'), results));
  return [...written, ...PAGES];
}

/** The guard's history, one chart for each bed: every question's ratio, run after run. */
async function writeGuardCharts(): Promise<string[]> {
  const kept = readHistory().runs;
  const charts = [...new Set(kept.map(({ bed }) => bed))].map(async (bed) => {
    const runs = kept.filter((run) => run.bed === bed);
    const points = runs.flatMap(({ ratios }, index) =>
      Object.entries(ratios).map(([peer, y]) => ({ peer, x: index + 1, y })),
    );
    const file = path.join(FOLDER, `guard-${bed.replace(/\W+/g, '-').toLowerCase()}.svg`);
    const title = `The guard's questions, run after run: ${bed}`;
    writeFileSync(file, await lineChart(points, { title, xLabel: 'run', yLabel: '× node:net', nameWidth: 250 }));
    return file;
  });
  return Promise.all(charts);
}

function readResults(): Results[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .map((file) => {
      const { environment, rows } = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Omit<Results, 'name'>;
      // A result may be older than a figure that is measured now.
      return {
        name: path.basename(file, '.json'),
        environment,
        rows: rows.map((row) => ({ ...NOTHING_MEASURED, ...row })),
      };
    });
}

function fillTables(page: string, results: readonly Results[]): string {
  return page.replace(
    /(<!-- table: ([\w-]+) -->\n)[^]*?(<!-- end -->)/g,
    (_all, start: string, wanted: string, end: string) => {
      const found = results.find(({ name }) => name === wanted);
      if (found === undefined) return `${start}\n(no ${wanted}.json)\n\n${end}`;
      return `${start}\n${formatRows(found.rows)}\n\n\`\`\`\n${formatEnvironment(found.environment)}\n\`\`\`\n\n${end}`;
    },
  );
}
