/** A test runner's fake timers, installed before a PAL is created, stop neither its loop nor its clock. */
import { expect } from 'chai';
import { runChild, testsInPairs } from '../support/child.ts';
import { WHOLE_LIFE } from '../support/life-of-a-pal.ts';

describe('fake timers', () => {
  const test = testsInPairs();
  for (const backend of ['iocp', 'wsapoll']) {
    for (const waiter of ['worker', 'inline']) {
      test(
        `do not stop the loop [${backend} ${waiter}]`,
        () => runChild('fake-timers', [backend, waiter]),
        ({ code, stdout, stderr }) => {
          expect(stderr).to.equal('');
          expect(stdout.trim().split(/\r?\n/)).to.deep.equal(WHOLE_LIFE);
          expect(code).to.equal(0);
        },
      );
    }
  }
});
