// What the runs have said, in .build/node-tests.json: each answer is written at once, since a run may be ended at any moment.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildFolder } from '../paths.mjs';

/**
 * `plain` is node.exe as it is; `ours` has the module under test in the place of its own.
 * @typedef {'plain' | 'ours'} Side
 */
/** @typedef {{ outcome: 'passed' | 'skipped' | 'failed' | 'timed out', says: string, seconds: number }} Answer */
/** @typedef {Record<string, Partial<Record<Side, Answer>>>} Answers by the name of the test file */

const file = path.join(buildFolder, 'node-tests.json');

/** @returns {Answers} */
export function readAnswers() {
  return existsSync(file) ? /** @type {Answers} */ (JSON.parse(readFileSync(file, 'utf8'))) : {};
}

/**
 * Other runs, of other files, may write theirs meanwhile: what is there is read again.
 * @param {string} name of the test file
 * @param {Side} side
 * @param {Answer} answer
 * @returns {Answers} all there are now
 */
export function writeAnswer(name, side, answer) {
  const answers = readAnswers();
  answers[name] = { ...answers[name], [side]: answer };
  mkdirSync(buildFolder, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(answers, null, 2));
  renameSync(draft, file); // whoever reads it finds a whole one
  return answers;
}
