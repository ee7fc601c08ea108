/** The permit between the event loop and its waiter thread, where the order of two of its words' changes decides. */
import { expect } from 'chai';
import {
  CONTROL_WORDS,
  PERMIT_PROTOCOL,
  grantPermit,
  waitUntilStopped,
  stopPermits,
  takeCount,
  takeWaits,
  type WaitOnce,
} from '../../src/wait/wait-permit.ts';

const control = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));

const poll = (words: Int32Array, waitOnce: WaitOnce): void =>
  waitUntilStopped(words, PERMIT_PROTOCOL, waitOnce, () => undefined);

describe('wait/wait-permit', () => {
  it('lets the waiter wait until something is found, and once for each time it is granted', () => {
    const words = control();
    const found = [0, 0, 3];
    grantPermit(words);
    poll(words, () => {
      const count = found.shift();
      if (found.length === 0) stopPermits(words);
      return count!;
    });
    expect(takeCount(words)).to.equal(3);
    expect(takeCount(words)).to.equal(0);
    expect(takeWaits(words)).to.equal(3);
  });

  it('stays at STOP when it is granted after that: a wake-up may be answered while the waiter ends', () => {
    const words = control();
    let waits = 0;
    grantPermit(words);
    poll(words, () => {
      expect(++waits, 'waits').to.equal(1);
      stopPermits(words);
      const stopped = [...words];
      grantPermit(words);
      // Otherwise the waiter would wait for a permit for ever, and this test with it.
      expect([...words]).to.deep.equal(stopped);
      return 1;
    });
    grantPermit(words);
    poll(words, () => expect.fail('the waiter waits although it must end'));
  });
});
