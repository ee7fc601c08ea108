/** What an operation whose start threw ends with. */
import { expect } from 'chai';
import { runInNewContext } from 'node:vm';
import { WSAEFAULT, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import { codeOfThrown } from '../../src/sockets/abandon.ts';

describe('the code of what was thrown', () => {
  it('is a lack of memory for a RangeError, also of another realm, as those of Node.js are in jest', () => {
    expect(codeOfThrown(new RangeError('Array buffer allocation failed'))).to.equal(WSAENOBUFS);
    expect(codeOfThrown(runInNewContext("new RangeError('Array buffer allocation failed')"))).to.equal(WSAENOBUFS);
  });

  it('is EFAULT for everything else', () => {
    for (const thrown of [new Error('x'), new TypeError('x'), 'RangeError', null]) {
      expect(codeOfThrown(thrown)).to.equal(WSAEFAULT);
    }
  });
});
