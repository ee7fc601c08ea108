/** Errors of this realm, of another one (as in jest), and what is thrown that is no error. */
import { expect } from 'chai';
import { runInNewContext } from 'node:vm';
import { isRangeError, isTypeError, messageOf } from '../../ffi/thrown.ts';

/** Throws in another realm, which is what a call of Node.js does to code in jest. */
const foreign = (name: string): unknown => runInNewContext(`new ${name}('no memory')`) as unknown;

describe('what was thrown', () => {
  it('is told by its class in every realm', () => {
    class Own extends RangeError {
      override readonly name = 'Own';
    }
    for (const thrown of [new RangeError('x'), new Own('x'), foreign('RangeError')]) {
      expect(isRangeError(thrown)).to.equal(true);
      expect(isTypeError(thrown)).to.equal(false);
    }
    for (const thrown of [new TypeError('x'), foreign('TypeError')]) {
      expect(isTypeError(thrown)).to.equal(true);
      expect(isRangeError(thrown)).to.equal(false);
    }
    for (const thrown of [new Error('RangeError'), foreign('Error'), { name: 'RangeError' }, 'RangeError', null]) {
      expect(isRangeError(thrown) || isTypeError(thrown)).to.equal(false);
    }
  });

  it('has a message', () => {
    expect(messageOf(foreign('Error'))).to.equal('no memory');
    expect(messageOf(new Error('no memory'))).to.equal('no memory');
    expect(messageOf(new DOMException('aborted'))).to.equal('aborted');
    expect(messageOf('no memory')).to.equal('no memory');
    expect(messageOf(null)).to.equal('null');
  });
});
