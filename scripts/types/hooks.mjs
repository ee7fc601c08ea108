// What register.mjs registers; Node.js runs it in a thread of its own.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stripped } from './stripped.mjs';

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  if (!/^file:.*\.ts$/.test(url)) return nextLoad(url, context);
  const file = fileURLToPath(url);
  const source = await stripped(file, await readFile(file, 'utf8'));
  return { format: 'module', source, shortCircuit: true };
}
