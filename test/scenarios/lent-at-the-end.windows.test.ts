/** The system has memory of a thread that ends: nothing else is written to, and the process ends as it should. */
import { expect } from 'chai';
import { runChild } from '../support/child.ts';

describe('buffers that the kernel uses when their thread ends', function () {
  it('a worker thread that is terminated: what its peers send is written into nobody else’s memory', async () => {
    const end = await runChild('lent-at-the-end', ['worker']);
    const all = end.stdout + end.stderr;
    expect(end.stdout.match(/0 buffers changed/g) ?? [], all).to.have.lengthOf(2);
    expect(end.code, all).to.equal(0);
  });

  for (const [way, code] of [
    ['exit', 7],
    ['throw', 1],
  ] as const) {
    it(`the process, by ${way}`, async () => {
      const end = await runChild('lent-at-the-end', [way]);
      const all = end.stdout + end.stderr;
      expect(end.stdout, all).to.match(/pending: 8 receives, \d+ sends\s+ending/);
      expect(end.code, all).to.equal(code);
    });
  }
});
