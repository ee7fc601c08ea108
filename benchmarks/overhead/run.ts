/**
 * The overhead scenario: no peers and no network, so no runner; main.ts of this folder, on the Windows node. It is bundled with the library as
 * that is published: V8 makes slower code of modules that import each other.
 */
import path from 'node:path';
import process from 'node:process';
import { bundleCommonJs } from '../../scripts/bundle.mjs';
import { buildFolder, root } from '../../scripts/paths.mjs';
import { runOnWindowsNode } from '../../scripts/wine.mjs';

/** V8's young generation, MiB: larger than what is allocated, so that the heap's growth is the allocation. */
const YOUNG_GENERATION_MIB = 128;

/** Prints its tables. Returns the exit code. */
export async function runOverhead(): Promise<number> {
  const given = process.env['NODE_OPTIONS'] ?? '';
  const bundle = path.join(buildFolder, 'overhead.cjs');
  await bundleCommonJs(path.join(root, 'benchmarks', 'overhead', 'main.ts'), bundle);
  const { code } = await runOnWindowsNode([path.relative(root, bundle)], {
    env: { ...process.env, NODE_OPTIONS: `--max-semi-space-size=${YOUNG_GENERATION_MIB} ${given}` },
  });
  return code;
}
