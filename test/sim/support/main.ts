/** Random programs from the command line; scripts/sim.mjs starts it. */
import fc from 'fast-check';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { programs, type Program } from './program.ts';
import { explain, runProgram } from './run-program.ts';

/** Programs between two lines of progress. */
const PROGRESS_EVERY = 5000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() & 0x7fffffff) },
    profile: { type: 'string' },
    program: { type: 'string' },
    /** On a failure: its message only, not shrunk. */
    brief: { type: 'boolean', default: false },
  },
});

if (values.program === undefined) await runMany(Number(values.seeds), Number(values.seed));
else console.log(await explain(JSON.parse(values.program) as Program));

async function runMany(numRuns: number, seed: number): Promise<void> {
  const fixed = { mask: values.profile === undefined ? 0 : 1, value: values.profile === 'wine' ? 1 : 0 };
  const started = performance.now();
  let runs = 0;
  const rate = (): string => `${Math.round((runs * 1000) / (performance.now() - started))} programs/s`;
  const property = fc.asyncProperty(programs(fixed), async (program) => {
    await runProgram(program);
    runs++;
    if (runs % PROGRESS_EVERY === 0) console.log(`${runs} of ${numRuns}, ${rate()}`);
  });
  const result = await fc.check(property, { numRuns, seed, endOnFailure: values.brief });
  const program = result.counterexample?.[0];
  if (program === undefined) {
    console.log(`${runs} programs passed, ${rate()} (seed ${seed})`);
    return;
  }
  if (!values.brief) console.log(await explain(program));
  else console.log(String(result.errorInstance));
  console.log(`\nFailed after ${result.numRuns} programs of seed ${seed}, shrunk ${result.numShrinks} times. Again:`);
  console.log(`npm run sim -- --program '${JSON.stringify(program)}'`);
  process.exitCode = 1;
}
