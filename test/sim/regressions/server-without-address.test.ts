/**
 * createServer() that failed left a listening socket behind when the call that failed was getsockname, the last one.
 *
 * The accepts were posted already, so the error went to the caller while the listener stayed: nobody had its handle, so
 * nobody could close it, and its accepts kept their slots until the end of the PAL.
 */
import { expect } from 'chai';
import { WSAENETDOWN } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

describe('createServer when getsockname fails', () => {
  it('leaves no socket and no operation behind', () => {
    const plan = [{ call: 'getsockname', nth: 1, code: WSAENETDOWN }] as const;
    const platform = simulatePlatform({ seed: 1, faults: { plan } });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    expect(() => pal.createServer('127.0.0.1', 0))
      .to.throw()
      .with.property('code', 'ENETDOWN');
    expect(pal.stats()).to.include({ sockets: 0, freeSlots: 64 });
    expect(platform.openSockets).to.equal(0);
  });
});
