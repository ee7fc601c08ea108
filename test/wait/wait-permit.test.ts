/** The permit between the event loop and its waiter thread, where the order of two of its words' changes decides. */
import { expect } from 'chai';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  CONTROL_WORDS,
  endStartup,
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

  it('at the end of the process waits until the thread is out of koffi', async () => {
    const words = control();
    const { STARTUP, UNDER_WAY, OVER } = PERMIT_PROTOCOL;
    Atomics.store(words, STARTUP, UNDER_WAY);
    const program = `const { words, at, over } = require('node:worker_threads').workerData;
      Atomics.wait(words, at, ${UNDER_WAY}, 50);
      Atomics.store(words, at, over);
      Atomics.notify(words, at);`;
    const thread = new Worker(program, { eval: true, workerData: { words, at: STARTUP, over: OVER } });
    await once(thread, 'online');
    endStartup(words);
    expect(words[STARTUP]).to.equal(OVER);
    await once(thread, 'exit');
  });
});
