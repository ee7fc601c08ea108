/** The gate between the event loop and its waiter thread, where the order of two of its words' changes decides. */
import { expect } from 'chai';
import {
  CONTROL_WORDS,
  GATE_PROTOCOL,
  openGate,
  pollUntilStopped,
  stopGate,
  takeCount,
  takeWaits,
  type WaitOnce,
} from '../../src/wait/gate.ts';

const control = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));

const poll = (words: Int32Array, waitOnce: WaitOnce): void =>
  pollUntilStopped(words, GATE_PROTOCOL, waitOnce, () => undefined);

describe('wait/gate', () => {
  it('lets the waiter wait until something is found, and once each time it is opened', () => {
    const words = control();
    const found = [0, 0, 3];
    openGate(words);
    poll(words, () => {
      const count = found.shift();
      if (found.length === 0) stopGate(words);
      return count!;
    });
    expect(takeCount(words)).to.equal(3);
    expect(takeCount(words)).to.equal(0);
    expect(takeWaits(words)).to.equal(3);
  });

  it('stays at STOP when it is opened after that: a doorbell may be answered while the waiter ends', () => {
    const words = control();
    let waits = 0;
    openGate(words);
    poll(words, () => {
      expect(++waits, 'waits').to.equal(1);
      stopGate(words);
      const stopped = [...words];
      openGate(words);
      // Otherwise the waiter would wait for the gate for ever, and this test with it.
      expect([...words]).to.deep.equal(stopped);
      return 1;
    });
    openGate(words);
    poll(words, () => expect.fail('the waiter waits although it must end'));
  });
});
