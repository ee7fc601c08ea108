/** npm run bench: the command line. start.mjs has brought together what it takes to run this. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pinThisProcess, planCpus } from './lib/cpus.ts';
import { describeEnvironment, formatEnvironment } from './lib/environment.ts';
import {
  GUARD,
  MANY_CONNECTIONS,
  HELP,
  OVERHEAD,
  parseOptions,
  REPORT,
  UsageError,
  type Options,
} from './lib/options.ts';
import { formatMany, measureMany } from './many-connections/main.ts';
import type { Row } from './lib/rows.ts';
import { runGuard } from './guard/main.ts';
import { runOverhead } from './overhead/run.ts';
import { runScenario } from './lib/runner.ts';
import { formatRows } from './lib/table.ts';
import { writeReport } from './report/main.ts';
import { SCENARIOS } from './scenarios/index.ts';

const calledFrom = process.cwd();
process.chdir(path.resolve(import.meta.dirname, '..')); // scripts are named relative to the repository

try {
  const options = parseOptions(process.argv.slice(2));
  if (options?.json !== undefined) options.json = path.resolve(calledFrom, options.json);
  if (options === null) console.log(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main(options: Options): Promise<number> {
  const cpus = planCpus();
  if (cpus !== null) pinThisProcess(cpus.client);
  const rows: Row[] = [];
  let serverNode = '';
  for (const name of options.scenarios) {
    if (name === REPORT) console.log(`written: ${(await writeReport()).join(', ')}`);
    if (name === OVERHEAD && (await runOverhead()) !== 0) return 1;
    if (name === GUARD && (await runGuard(options, cpus)) !== 0) return 1;
    if (MANY_CONNECTIONS.includes(name)) console.log(formatMany(await measureMany(name, options, cpus)));
    const scenario = SCENARIOS[name];
    if (scenario === undefined) continue;
    const result = await runScenario(name, scenario, options, cpus);
    serverNode = result.serverNode;
    rows.push(...result.rows);
    console.log(`\n${scenario.title}\n\n${formatRows(result.rows)}`);
  }
  if (rows.length === 0) return 0;
  const environment = describeEnvironment(serverNode, cpus);
  console.log(`\n${formatEnvironment(environment)}`);
  console.log(`${options.rounds} rounds of ${options.seconds} s, peers in turn; medians`);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ environment, rows }, null, 2)}\n`);
  }
  return rows.some((row) => row.failures.length > 0) ? 1 : 0;
}
