import { expect } from 'chai';
import { shares } from '../../../scripts/mocha/specs.mjs';

describe('the shares of the neutral part', () => {
  const secondsOf = (spec: string): number => ({ a: 1, b: 9, c: 4, d: 3, e: 3 })[spec] ?? 0;

  it('take as long as each other, and have every spec file once', () => {
    const specs = ['a', 'b', 'c', 'd', 'e'];
    expect(shares(specs, secondsOf, 2)).to.deep.equal([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    expect(shares(specs, secondsOf, 3)).to.deep.equal([['b'], ['a', 'c'], ['d', 'e']]);
    expect(shares(specs, secondsOf, 1)).to.deep.equal([specs]);
  });

  it('are not empty, whatever one file takes, and no more than there are files', () => {
    expect(shares(['a', 'b'], secondsOf, 2)).to.deep.equal([['b'], ['a']]);
    expect(shares(['a', 'b'], secondsOf, 3)).to.deep.equal([['b'], ['a']]);
  });
});
