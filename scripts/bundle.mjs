// One CommonJS file of an entry and all that it imports: calls between modules are plain calls then, as they are between ES modules.
import { build } from 'esbuild';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { nameConstants } from './name-constants.mjs';
import { root } from './paths.mjs';

/** @type {import('esbuild').Plugin} */
const ownPlaceForCommonJs = {
  name: 'own-place',
  setup(bundle) {
    bundle.onResolve({ filter: /\/own-place\.[jt]s$/ }, () => ({ path: path.join(root, 'ffi', 'own-place.cjs') }));
  },
};

/**
 * @param {string} entry JavaScript or TypeScript
 * @param {string} file where it is written
 * @param {import('esbuild').Plugin[]} plugins what else is found elsewhere
 */
export async function bundleCommonJs(entry, file, plugins = []) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile: file,
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    supported: { 'dynamic-import': false }, // require(), which jest and single executables have too
    packages: 'external',
    sourcemap: true,
    sourcesContent: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [ownPlaceForCommonJs, ...plugins],
  });
  mkdirSync(path.dirname(file), { recursive: true });
  for (const { path: made, text } of outputFiles) {
    writeFileSync(made, made.endsWith('.map') ? text : nameConstants(text));
  }
}
