/** docs/node-compat.md shows the expected failures that `npm run node-tests` goes by. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expectedTable } from '../../scripts/node-tests/judge.mjs';
import { root } from '../../scripts/paths.mjs';

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8').replaceAll('\r\n', '\n');

describe('docs/node-compat.md', () => {
  it('has the reason of every expected failure, as scripts/node-tests/expected-failures.json has it', () => {
    const expected = JSON.parse(read('scripts/node-tests/expected-failures.json')) as Record<string, string>;
    expect(read('docs/node-compat.md')).to.include(`\n${expectedTable(expected)}\n`);
  });
});
