import { expect } from 'chai';
import { distTag, obstacles } from '../../../scripts/npm/release.mjs';

const MANIFEST = { version: '1.2.3', repository: 'github:someone/something' };
const CHANGELOG = '# Changelog\n\n## [1.2.3] - 2030-01-31\n\n## [1.2.2] - Unreleased\n';

describe('a release', () => {
  it('is made when the tag, package.json and the changelog agree', () => {
    expect(obstacles('v1.2.3', MANIFEST, CHANGELOG)).to.deep.equal([]);
  });

  it('is made of a version before a release', () => {
    const changelog = '## [1.2.3-beta.1] - 2030-01-31';
    expect(obstacles('v1.2.3-beta.1', { ...MANIFEST, version: '1.2.3-beta.1' }, changelog)).to.deep.equal([]);
  });

  for (const [tag, manifest, changelog, says] of [
    ['1.2.3', MANIFEST, CHANGELOG, /it has to be v and a version/],
    ['v1.2', MANIFEST, CHANGELOG, /it has to be v and a version/],
    ['v1.2.3', { ...MANIFEST, version: '1.2.2' }, CHANGELOG, /package\.json has version 1\.2\.2/],
    ['v1.2.3', { version: '1.2.3' }, CHANGELOG, /no repository/],
    ['v1.2.4', { ...MANIFEST, version: '1.2.4' }, CHANGELOG, /no section ## \[1\.2\.4\]/],
    ['v1.2.2', { ...MANIFEST, version: '1.2.2' }, CHANGELOG, /the date of the release belongs there/],
  ] as const) {
    it(`is refused: ${tag} of ${JSON.stringify(manifest)}, ${says.source}`, () => {
      const found = obstacles(tag, manifest, changelog);
      expect(found).to.have.length(1);
      expect(found[0]).to.match(says);
    });
  }

  it('becomes what npm install takes, unless it is a version before a release', () => {
    expect(distTag('v1.2.3')).to.equal('latest');
    expect(distTag('v1.2.3-beta.1')).to.equal('next');
  });
});
