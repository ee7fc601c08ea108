/** A test runner's fake timers, installed before a PAL is created, stop neither its loop nor its clock. */
import { expect } from 'chai';
import { runChild, testsInPairs } from '../support/child.ts';
import { WHOLE_LIFE } from '../support/life-of-a-pal.ts';

describe('fake timers', () => {
  const test = testsInPairs();
  for (const driver of ['iocp', 'wsapoll']) {
    for (const poller of ['worker', 'inline']) {
      test(
        `do not stop the loop [${driver} ${poller}]`,
        () => runChild('fake-timers', [driver, poller]),
        ({ code, stdout, stderr }) => {
          expect(stderr).to.equal('');
          expect(stdout.trim().split(/\r?\n/)).to.deep.equal(WHOLE_LIFE);
          expect(code).to.equal(0);
        },
      );
    }
  }
});
