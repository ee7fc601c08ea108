/** A callback that throws costs nobody else's callback, nor the loop. */
import { expect } from 'chai';
import { runChild } from '../support/child.ts';

describe('callbacks that throw, with an uncaughtException handler', function () {
  for (const args of [['worker'], ['inline'], ['worker', 'skip']]) {
    it(`leave the other completions alone [${args.join(', ')}]`, async () => {
      const end = await runChild('throwing-callbacks', args);
      expect(end.code, end.stdout + end.stderr).to.equal(0);
      // 30 reads of which 10 throw, 6 writes of which 3 throw, and a close that throws.
      expect(end.stdout).to.include(JSON.stringify({ delivered: 37, distinct: 37, caught: 14 }));
      expect(end.stdout).to.include('ending, 0 packets dropped');
    });
  }
});
