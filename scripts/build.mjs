// npm run build: the published JavaScript and its types, into dist/. Of each entry there are three:
//
//   index.js    ES modules, as they are written: for bundlers, by the condition "module"
//   index.cjs   all of it in one CommonJS file: for require()
//   index.mjs   the names of index.cjs: for import in Node.js, so that a process has one instance of everything
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { bundleCommonJs } from './bundle.mjs';
import { runChild } from './child.mjs';
import { root } from './paths.mjs';
import { remove } from './remove.mjs';

const dist = path.join(root, 'dist');
/** Each behind those that it requires. */
const entries = ['', 'net', 'dgram', 'http', 'promises', 'register', 'simulation', 'wsapoll'].map((folder) =>
  path.join(dist, 'src', folder, 'index'),
);

/**
 * A face is made of the public calls, which it takes from the library's own entry, and what is made of another face from that one: a
 * program that uses several has one instance of each.
 * @type {import('esbuild').Plugin}
 */
const libraryFromItsEntry = {
  name: 'library-from-its-entry',
  setup(bundle) {
    const [own = ''] = /** @type {string[]} */ (bundle.initialOptions.entryPoints);
    bundle.onResolve({ filter: /\/index\.js$/ }, ({ path: imported, resolveDir }) => {
      const entry = path.join(resolveDir, imported).replace(/\.js$/, '');
      if (!entries.includes(entry) || `${entry}.js` === own) return undefined;
      return { path: path.relative(path.dirname(own), `${entry}.cjs`).replaceAll('\\', '/'), external: true };
    });
  },
};

remove(dist); // nothing that has since been deleted may be published
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { code } = await runChild(process.execPath, [tsc, '-p', path.join(root, '.config', 'tsconfig.dist.json')], {
  cwd: root,
});
if (code === 0) {
  nameJavaScriptInTypes();
  await writePrograms();
  for (const entry of entries) await writeCommonJs(entry);
  writeCommonJsTypes();
}
process.exitCode = code;

/** tsc rewrites './x.ts' to './x.js' in JavaScript only; a .d.ts that imports a .ts is for those who know TypeScript's reasons. */
function nameJavaScriptInTypes() {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = path.join(dist, name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(/((?:from|import\() ?['"]\.{1,2}\/[^'"]+)\.ts(?=['"])/g, (_, before) => `${before}.js`),
    );
  }
}

/**
 * The programs of waiter threads are made of functions' texts (src/wait/waiter-program.ts). Here they become
 * strings, which no bundler, minifier or bytecode compiler of a user changes.
 */
async function writePrograms() {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('-program.js') || name.endsWith('waiter-program.js')) continue;
    const file = path.join(dist, name);
    const programs = /** @type {Record<string, string>} */ (await import(pathToFileURL(file).href));
    const lines = Object.entries(programs).map(([key, text]) => `export const ${key} = ${JSON.stringify(text)};`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    remove(`${file}.map`);
  }
}

/** @param {string} entry without its extension */
async function writeCommonJs(entry) {
  await bundleCommonJs(`${entry}.js`, `${entry}.cjs`, [libraryFromItsEntry]);
  const exported = /** @type {Record<string, unknown>} */ (createRequire(import.meta.url)(`${entry}.cjs`));
  const names = Object.keys(exported).filter((name) => name !== 'default');
  const file = `./${path.basename(entry)}.cjs`;
  const lines = [
    `import all from '${file}';`,
    `export const {`,
    ...names.sort().map((name) => `  ${name},`),
    '} = all;',
  ];
  if ('default' in exported) lines.push('export default all.default;');
  writeFileSync(`${entry}.mjs`, `${lines.join('\n')}\n`);
}

/**
 * The types of require() are the ES module's; a .d.cts names its values one by one, since before TypeScript 5.8 only types may
 * cross from ESM to CommonJS.
 */
function writeCommonJsTypes() {
  const program = ts.createProgram(
    entries.map((entry) => `${entry}.d.ts`),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, types: ['node'] },
  );
  const checker = program.getTypeChecker();
  for (const entry of entries) {
    const source = program.getSourceFile(`${entry}.d.ts`);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`Cannot make a CommonJS form of ${entry}: it has no types`);
    const name = `./${path.basename(entry)}.js`;
    const lines = [`export type * from '${name}' with { 'resolution-mode': 'import' };`];
    for (const exported of checker.getExportsOfModule(module)) {
      if (isTypeOnly(exported)) continue;
      const { flags } = resolve(checker, exported);
      const what = `import('${name}', { with: { 'resolution-mode': 'import' } }).${exported.name}`;
      if (exported.name === 'default') lines.push(`declare const all: typeof ${what};`, 'export default all;');
      else if (flags & ts.SymbolFlags.Value) lines.push(`export declare const ${exported.name}: typeof ${what};`);
      // A const of the same name hides the type that the first line exports.
      if (flags & ts.SymbolFlags.Value && flags & ts.SymbolFlags.Type) {
        lines.push(`export type ${exported.name} = ${what};`);
      }
    }
    writeFileSync(`${entry}.d.cts`, `${lines.join('\n')}\n`);
  }
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.Symbol} symbol
 */
function resolve(checker, symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** @param {ts.Symbol} exported */
function isTypeOnly(exported) {
  return (exported.declarations ?? []).some(
    (declaration) =>
      ts.isExportSpecifier(declaration) && (declaration.isTypeOnly || declaration.parent.parent.isTypeOnly),
  );
}
