/** What mutate.mjs breaks must still be there: `npm run mutate` runs once a week, and code is changed every day. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { mutations } from './mutations.mjs';
import { root } from './paths.mjs';

describe('mutations', () => {
  for (const { id, file, find, replace } of mutations) {
    it(`${id}: its text occurs once in ${file}, and is changed`, () => {
      const text = readFileSync(path.join(root, file), 'utf8');
      expect(text.split(find).length - 1).to.equal(1);
      expect(replace).to.not.equal(find);
    });
  }

  it('have names of their own', () => {
    const ids = mutations.map(({ id }) => id);
    expect(ids).to.deep.equal([...new Set(ids)]);
  });
});
