/** What mutate.mjs breaks must still be there: `npm run mutate` runs once a week, and code is changed every day. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { mutated } from '../../../scripts/mutations/mutation-place.mjs';
import { mutations } from '../../../scripts/mutations/mutations.mjs';
import { root } from '../../../scripts/paths.mjs';

describe('mutations', () => {
  for (const mutation of mutations) {
    it(`${mutation.id}: its text occurs once in ${mutation.file}, and is changed`, () => {
      const { file, text } = mutated(root, mutation);
      expect(text).to.not.equal(readFileSync(file, 'utf8'));
    });
  }

  it('have names of their own', () => {
    const ids = mutations.map(({ id }) => id);
    expect(ids).to.deep.equal([...new Set(ids)]);
  });
});
