/** The overhead scenario: no peers and no network, so no runner; main.ts of this folder, on the Windows node. */
import process from 'node:process';
import { runOnWindowsNode } from '../../scripts/wine.mjs';

/** V8's young generation, MiB: larger than what is allocated, so that the heap's growth is the allocation. */
const YOUNG_GENERATION_MIB = 128;

/** Prints its tables. Returns the exit code. */
export async function runOverhead(): Promise<number> {
  const given = process.env['NODE_OPTIONS'] ?? '';
  const { code } = await runOnWindowsNode(['benchmarks/overhead/main.ts'], {
    env: { ...process.env, NODE_OPTIONS: `--max-semi-space-size=${YOUNG_GENERATION_MIB} ${given}` },
  });
  return code;
}
