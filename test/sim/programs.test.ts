/**
 * Random programs of connects, accepts, reads, writes, half-closes, resets, closes and restarts, over up to 32 sockets
 * and one or two PALs, on random schedules, with and without faults, against the model in support/side.ts.
 *
 * A failure prints the program, shrunk by fast-check together with its schedule, and the trace of its run.
 * `npm run sim -- --seeds N` runs as many more as wanted.
 */
import fc from 'fast-check';
import { isLong } from '../support/extent.ts';
import { programs } from './support/program.ts';
import { explain, runProgram } from './support/run-program.ts';

const PARTS = 8;
/** 20 000 in all with `npm run test:long`, and 1040 otherwise: four times what it takes to notice each of the mutations that the first 300 notice. */
const PROGRAMS_PER_PART = isLong ? 2500 : 130;
/** Each part has its own half of: profile, skipped packets, waiter. The rest is random. */
const FIXED_BITS = [1, 1 << 2, 1 << 3];

describe('random programs', function () {
  for (let part = 0; part < PARTS; part++) {
    const mask = FIXED_BITS.reduce((sum, bit) => sum | bit, 0);
    const value = FIXED_BITS.reduce((sum, bit, index) => sum | ((part >>> index) % 2 === 1 ? bit : 0), 0);
    const words = [
      part % 2 === 0 ? 'windows' : 'wine',
      (part >>> 1) % 2 === 0 ? 'all packets' : 'skipping packets',
      (part >>> 2) % 2 === 0 ? 'worker' : 'inline',
    ];
    it(`${PROGRAMS_PER_PART} of them (${words.join(', ')})`, async () => {
      const result = await fc.check(fc.asyncProperty(programs({ mask, value }), runProgram), {
        numRuns: PROGRAMS_PER_PART,
        seed: 20_261_122 + part,
      });
      const failed = result.counterexample?.[0];
      if (failed !== undefined) throw new Error(await explain(failed));
    });
  }
});
