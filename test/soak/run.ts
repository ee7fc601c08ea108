/** npm run soak, on the host: starts the soak on the Windows node.exe, judges its samples, and draws them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { buildFolder, root } from '../../scripts/paths.mjs';
import { runOnWindowsNode } from '../../scripts/wine.mjs';
import { soakChart } from './chart.ts';
import { HELP, parseOptions, scriptOf } from './options.ts';
import type { SoakResult } from './samples.ts';
import { judge, report } from './verdict.ts';
import { remove } from '../../scripts/remove.mjs';

const calledFrom = process.cwd();
process.chdir(root); // the script is named relative to the repository
process.exitCode = await main();

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) {
    console.log(HELP);
    return 0;
  }
  mkdirSync(buildFolder, { recursive: true });
  // Relative, since Windows under Wine has other absolute paths.
  const file = path.join(path.relative(root, buildFolder), `soak-${process.pid}.json`);
  const { code } = await runOnWindowsNode(['--expose-gc', scriptOf(options), JSON.stringify(options), file]);
  let result: SoakResult;
  try {
    result = JSON.parse(readFileSync(file, 'utf8')) as SoakResult;
  } catch {
    console.error(`The soak ended with exit code ${code} and left no samples`);
    return 1;
  } finally {
    remove(file);
  }
  const judgement = judge(result);
  console.log(report(result, judgement));
  if (options.json !== undefined) writeFileSync(path.resolve(calledFrom, options.json), JSON.stringify(result));
  if (options.chart !== undefined) writeFileSync(path.resolve(calledFrom, options.chart), await soakChart(result));
  return judgement.passed ? 0 : 1;
}
