/** The set-up says which npm it needs, instead of installing half. */
import { expect } from 'chai';
import { whyNotThisNpm } from '../../../scripts/npm/npm-version.mjs';

describe('the npm that set-up needs', () => {
  for (const version of ['9.9.0', '9.9.4', '10.1.0', '10.8.2', '11.19.1', '12.0.0']) {
    it(`takes ${version}`, () => {
      expect(whyNotThisNpm(version)).to.equal(undefined);
    });
  }

  for (const version of ['6.14.18', '8.19.4', '9.2.0', '9.8.1', '10.0.0']) {
    it(`refuses ${version}, and says what to do`, () => {
      expect(whyNotThisNpm(version)).to.include(version).and.include('npm install --global npm@11');
    });
  }

  it('does not stand in the way of an npm that says something else', () => {
    for (const version of ['', 'unknown']) expect(whyNotThisNpm(version)).to.equal(undefined);
  });
});
