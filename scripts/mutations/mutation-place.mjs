// Where a mutation is made. Its `file` is a name without a folder, so that a source file may move; when several files have that
// name, the text says which is meant.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** @typedef {import('./mutations.mjs').Mutation} Mutation */

/**
 * The file that a mutation changes, and its text with the change made.
 * @param {string} root a checkout, or a copy of one
 * @param {Mutation} mutation
 * @returns {{ file: string, text: string }}
 */
export function mutated(root, { id, file: name, find, replace }) {
  const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => path.basename(file) === name)
    .map((file) => path.join(root, 'src', file));
  if (files.length === 0) throw new Error(`Cannot apply '${id}': src/ has no file that is called ${name}`);
  const texts = files.map((file) => ({ file, parts: readFileSync(file, 'utf8').split(find) }));
  const occurrences = texts.reduce((sum, { parts }) => sum + parts.length - 1, 0);
  const place = texts.find(({ parts }) => parts.length === 2);
  if (place === undefined || occurrences !== 1)
    throw new Error(`Cannot apply '${id}': its text occurs ${occurrences} times in ${name}, and once is expected`);
  return { file: place.file, text: place.parts.join(replace) };
}
