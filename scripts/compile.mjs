// Compiled copies under .build/, for a Node.js that cannot run TypeScript itself (20, and 22 before 22.18).
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runChild } from './child.mjs';
import { buildFolder, root } from './paths.mjs';

/** Compiles what changed. Throws when the compiler cannot parse a file; types are the business of `npm run types`. */
export async function compile() {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const project = path.join(root, '.config', 'tsconfig.compiled.json');
  const { code } = await runChild(process.execPath, [tsc, '-p', project], { cwd: root });
  if (code !== 0) throw new Error(`Cannot compile into ${buildFolder}: tsc exited with ${code}, see above`);
}

/**
 * The compiled copy of a .ts file of this repository.
 * @param {string} file as seen from the current folder
 * @returns {string} as seen from the current folder
 */
export function compiledCopy(file) {
  const inRepository = path.relative(root, path.resolve(file));
  const copy = path.join(buildFolder, inRepository.replace(/ts$/, 'js'));
  if (!existsSync(copy))
    throw new Error(`Cannot run ${file} on this Node.js: ${copy} is missing; remove ${buildFolder} and try again`);
  return path.relative(process.cwd(), copy);
}

/** @param {string} arg */
export const isTypeScript = (arg) => /\.[cm]?ts$/.test(arg);
