/** A process that uses sharedPal() ends by itself, with the loop running and without a callback for what it did not wait for. */
import { expect } from 'chai';
import { runPromptly, SOON_MS, testsInPairs } from '../support/child.ts';

describe('a process with sharedPal()', () => {
  const test = testsInPairs();
  for (const [way, output] of [
    ['echo', /^read 5\s+ending\s*$/],
    ['unref', /^ending\s+idle, and running\s*$/],
    ['in-thread', /^read 5\s+read 5\s+ending\s*$/],
    ['stopped-and-again', /^read 5\s+read 5\s+ending\s*$/],
  ] as const) {
    test(
      way,
      () => runPromptly('shared-pal', [way]),
      ({ code, stdout, stderr, endedAfterMs }) => {
        expect(stderr).to.equal('');
        expect(stdout).to.match(output);
        expect(code).to.equal(0);
        expect(endedAfterMs).to.be.below(SOON_MS);
      },
    );
  }
});
