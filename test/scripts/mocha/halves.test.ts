import { expect } from 'chai';
import { halves } from '../../../scripts/mocha/specs.mjs';

describe('the halves of the neutral part', () => {
  it('take as long as each other, and have every spec file once', () => {
    const seconds = new Map(Object.entries({ a: 1, b: 9, c: 4, d: 3, e: 3 }));
    const [first, second] = halves([...seconds.keys()], (spec) => seconds.get(spec) ?? 0);
    expect({ first, second }).to.deep.equal({ first: ['a', 'b'], second: ['c', 'd', 'e'] });
  });

  it('are not empty, whatever one file takes', () => {
    expect(halves(['quick', 'slow'], (spec) => (spec === 'slow' ? 100 : 0))).to.deep.equal([['slow'], ['quick']]);
  });
});
