// Which spec files a change can concern: those that reach a changed file through imports, the nearest first.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';

/**
 * @param {readonly string[]} specs relative to the repository
 * @param {readonly string[]} changed the same; a file that nothing imports counts as imported by those that name it: documents are
 *   read by tests, and children are started by them
 * @returns {Promise<{ spec: string, distance: number }[]>} `distance`: so many imports away; 0 is a spec file that has changed
 */
export async function affectedSpecs(specs, changed) {
  const importers = await importersOf(specs);
  const distances = new Map(changed.map((file) => [file, 0]));
  // A Map that grows while it is walked is walked to its new end: this is the breadth-first search.
  for (const [file, distance] of distances) {
    for (const importer of importers(file)) if (!distances.has(importer)) distances.set(importer, distance + 1);
  }
  return [...distances].filter(([file]) => specs.includes(file)).map(([spec, distance]) => ({ spec, distance }));
}

/**
 * The bundler's own view of the sources, without writing a bundle.
 * @param {readonly string[]} specs
 */
async function importersOf(specs) {
  const contents = specs.map((spec) => `import './${spec}';`).join('\n');
  const { metafile } = await build({
    stdin: { contents, resolveDir: root, sourcefile: 'all-specs.js' },
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  /** @type {Map<string, string[]>} */
  const importers = new Map();
  for (const [file, { imports }] of Object.entries(metafile.inputs)) {
    for (const { path: imported } of imports) importers.set(imported, [...(importers.get(imported) ?? []), file]);
  }
  const tests = Object.keys(metafile.inputs).filter((file) => file.startsWith('test/'));
  /** @param {string} file */
  return (file) => importers.get(file) ?? (file in metafile.inputs ? [] : tests.filter((test) => names(test, file)));
}

/**
 * @param {string} test
 * @param {string} file
 */
function names(test, file) {
  const name = path.basename(file);
  const text = readFileSync(path.join(root, test), 'utf8');
  return [`'${name}'`, `/${name}'`, `(${name}`, `/${name})`].some((mention) => text.includes(mention));
}
