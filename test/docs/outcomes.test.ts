/** docs/errors.md shows the table that test/sim/orders/exhaustive.test.ts enumerates. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { outcomeRows } from '../sim/orders/outcomes.ts';

const page = new URL('../../docs/errors.md', import.meta.url);

describe('docs/errors.md, What each operation reports', () => {
  it('shows every row of test/sim/orders/outcomes.ts, and no other', () => {
    const section = readFileSync(page, 'utf8').split('## What each operation reports')[1] ?? '';
    const rows = section.split(/\r?\n/).filter((line) => line.startsWith('|'));
    const cells = rows.slice(2).map((line) => line.split('|').slice(1, -1));
    expect(cells.map((row) => row.map((text) => text.trim()))).to.deep.equal(outcomeRows());
  });
});
