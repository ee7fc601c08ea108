/** docs/errors.md shows the table that test/sim/exhaustive.test.ts enumerates. */
import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { outcomeRows } from '../sim/outcomes.ts';

// The sources run from test/docs/, their compiled form from .build/test/docs/: the page is two or three folders up.
const page = ['../../docs/errors.md', '../../../docs/errors.md']
  .map((relative) => new URL(relative, import.meta.url))
  .find((url) => existsSync(url));

describe('docs/errors.md, What each operation reports', () => {
  it('shows every row of test/sim/outcomes.ts, and no other', () => {
    if (page === undefined) throw new Error('Cannot find docs/errors.md');
    const section = readFileSync(page, 'utf8').split('## What each operation reports')[1] ?? '';
    const rows = section.split(/\r?\n/).filter((line) => line.startsWith('|'));
    const cells = rows.slice(2).map((line) => line.split('|').slice(1, -1));
    expect(cells.map((row) => row.map((text) => text.trim()))).to.deep.equal(outcomeRows());
  });
});
