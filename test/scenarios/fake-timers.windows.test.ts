/** A test runner's fake timers, installed before a PAL is created, stop neither its loop nor its clock. */
import { expect } from 'chai';
import { runChild } from '../support/child.ts';
import { WHOLE_LIFE } from '../support/life-of-a-pal.ts';

describe('fake timers', function () {
  for (const driver of ['iocp', 'wsapoll']) {
    for (const poller of ['worker', 'inline']) {
      it(`do not stop the loop [${driver} ${poller}]`, async () => {
        const { code, stdout, stderr } = await runChild('fake-timers', [driver, poller]);
        expect(stderr).to.equal('');
        expect(stdout.trim().split(/\r?\n/)).to.deep.equal(WHOLE_LIFE);
        expect(code).to.equal(0);
      });
    }
  }
});
