/** PALs in worker threads: a thread that owns one can be terminated, and does not keep the process from ending. */
import { expect } from 'chai';
import { runChild, testsInPairs, type ChildEnd } from '../support/child.ts';

/** A terminated thread runs no handlers: it ends with the slice of its wait, a second at most. The rest is a busy machine. */
const SOON_MS = 30_000;

describe('a thread that owns a PAL', () => {
  const test = testsInPairs();
  for (const [way, code] of [
    ['end', 0],
    ['exit', 7],
  ] as const) {
    const start = (): Promise<ChildEnd> => runChild('thread-owner', [way]);
    test(`can be terminated in the middle of traffic; then the process ends by ${way}`, start, (end) => {
      const all = end.stdout + end.stderr;
      expect(end.code, all).to.equal(code);
      const durations = [...end.stdout.matchAll(/terminated \d after (\d+) ms/g)].map(([, ms]) => Number(ms));
      expect(durations, all).to.have.lengthOf(3);
      for (const ms of durations) expect(ms, all).to.be.below(SOON_MS);
      expect(end.endedAfterMs, all).to.be.below(SOON_MS);
    });
  }
});
