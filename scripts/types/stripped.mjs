// TypeScript without its types, kept for the next process: for all sources together esbuild takes seconds.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transform, version } from 'esbuild';
import { root } from '../paths.mjs';
import { remove } from '../remove.mjs';

/** One file for each source, however often that changes. A copy of this repository that has our node_modules shares them. */
const cache = path.join(root, 'node_modules', '.cache', 'iocp-pal', 'stripped');

/** @type {import('esbuild').TransformOptions} */
const OPTIONS = {
  loader: 'ts',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  sourcesContent: false, // Node.js would read and keep them, of each module; what it shows of them it takes from the files
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
};

/**
 * @param {string} file
 * @param {string} source what is in it
 * @param {string} [folder] of what is kept
 */
export async function stripped(file, source, folder = cache) {
  // Its map names it without a folder, which Node.js takes from where the module is.
  const options = { ...OPTIONS, sourcefile: path.basename(file) };
  const digest = digestOf(JSON.stringify([version, options, source]));
  const kept = path.join(folder, digestOf(path.relative(root, file)));
  const found = await readFile(kept, 'utf8').catch(() => '');
  if (found.startsWith(digest)) return found.slice(digest.length);
  const { code } = await transform(source, options);
  await keep(kept, digest + code);
  return code;
}

/**
 * Whole or not at all, since other processes read it meanwhile. Without it, as where nothing can be written, all is as it was.
 * @param {string} kept
 * @param {string} text
 */
async function keep(kept, text) {
  const made = `${kept}.${randomUUID()}`;
  try {
    await mkdir(path.dirname(kept), { recursive: true });
    await writeFile(made, text);
    await rename(made, kept).catch(() => {
      remove(made); // on Windows, while somebody reads what is there
    });
  } catch {
    // It is made anew the next time.
  }
}

/** @param {string} text */
function digestOf(text) {
  return createHash('sha256').update(text).digest('hex');
}
