// node bundle.mjs <out> <repository>: bundles the programs beside it with every bundler, once each, on the host's Node.js.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [out, repository] = process.argv.slice(2);
const fromRepository = createRequire(path.join(repository, 'package.json'));
const fromPackagePart = createRequire(path.join(repository, 'test', 'package', 'package.json'));
const esbuild = fromRepository('esbuild');
const { rollup } = fromPackagePart('rollup');
const plugin = (name) => fromPackagePart(name).default ?? fromPackagePart(name);
const webpack = fromPackagePart('webpack');
const ncc = fromPackagePart('@vercel/ncc');

// Minified, names kept: what a bundler may do to functions must not reach the threads' programs.
const small = { minify: true, keepNames: true };
await withEsbuild('esbuild-esm.mjs', 'app.mjs', { format: 'esm', ...small });
await withEsbuild('esbuild-import.cjs', 'app.mjs', { format: 'cjs' });
await withEsbuild('esbuild-require.cjs', 'app.cjs', { format: 'cjs', ...small });
await withEsbuild('copy.cjs', 'copy.mjs', { format: 'cjs' });
await withEsbuild('refused-bundle.cjs', 'refused.cjs', { format: 'cjs' });
for (const format of ['es', 'cjs']) await withRollup(format);
for (const entry of ['app.mjs', 'app.cjs']) await withNcc(entry);
await Promise.all([
  withWebpack('./app.cjs', { output: { filename: 'webpack.cjs' } }),
  withWebpack('./app.mjs', {
    experiments: { outputModule: true },
    output: { filename: 'webpack.mjs', module: true, library: { type: 'module' }, chunkFormat: 'module' },
  }),
]);

function withEsbuild(name, entry, options) {
  const outfile = path.join(out, name);
  return esbuild.build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    logLevel: 'warning',
    ...options,
  });
}

async function withRollup(format) {
  const bundle = await rollup({
    input: 'app.mjs',
    external: [/^node:/],
    plugins: [plugin('@rollup/plugin-node-resolve')({ preferBuiltins: true }), plugin('@rollup/plugin-commonjs')()],
    onwarn: ({ code, message }) => {
      if (code !== 'CIRCULAR_DEPENDENCY') throw new Error(message);
    },
  });
  await bundle.write({ file: path.join(out, format === 'es' ? 'rollup.mjs' : 'rollup.cjs'), format });
}

async function withNcc(entry) {
  const { code, assets } = await ncc(path.resolve(entry), { cache: false, quiet: true });
  const folder = path.join(out, `ncc-${path.extname(entry).slice(1)}`);
  for (const [name, source] of [[`index${path.extname(entry)}`, code], ...toFiles(assets)]) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, source);
  }
}

function toFiles(assets) {
  return Object.entries(assets).map(([name, { source }]) => [name, source]);
}

function withWebpack(entry, { output, ...options }) {
  const config = { target: 'node', mode: 'production', context: process.cwd(), entry, ...options };
  return new Promise((resolve, reject) => {
    webpack({ ...config, output: { path: out, ...output } }, (error, stats) => {
      if (error) reject(error);
      else if (stats.hasErrors() || stats.hasWarnings()) reject(new Error(stats.toString('errors-warnings')));
      else resolve();
    });
  });
}
