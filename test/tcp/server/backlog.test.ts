/** What listen() is told: plain up to 200, and SOMAXCONN_HINT(n) beyond, which alone Windows takes for more. */
import { expect } from 'chai';
import { SOMAXCONN } from '../../../ffi/constants.ts';
import { DEFAULT_BACKLOG, listenArgument } from '../../../src/tcp/server/backlog.ts';

describe('the argument of listen()', () => {
  for (const [backlog, argument] of [
    [1, 1],
    [200, 200],
    [201, -201],
    [511, -511],
    [DEFAULT_BACKLOG, -DEFAULT_BACKLOG],
    [65535, -65535],
    [65536, -65535],
    [SOMAXCONN, -65535],
  ] as const) {
    it(`for a backlog of ${backlog} is ${argument}`, () => {
      expect(listenArgument(backlog)).to.equal(argument);
    });
  }
});
