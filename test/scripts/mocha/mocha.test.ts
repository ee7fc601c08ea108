/** A test process that does not end after its last test is a failure that says what keeps it. */
import { expect } from 'chai';
import process from 'node:process';
import { runChild } from '../../../scripts/child.mjs';
import { runMocha, type Outcome } from '../../../scripts/mocha/mocha.mjs';

/** Milliseconds that a process may stay; long enough for one that is slow to end by itself. */
const STAYS_MS = 3000;

function run(way: string): Promise<Outcome> {
  return runMocha(
    'staying',
    ['test/scripts/mocha/children/stays.cjs'],
    { IOCP_PAL_STAY: way },
    (args, options) => runChild(process.execPath, args, { ...options, stdio: 'ignore' }),
    undefined,
    STAYS_MS,
  );
}

describe('a process of tests', () => {
  it('that ends by itself is what its tests are', async () => {
    expect(await run('no')).to.deep.equal({ counts: { passed: 1, failed: 0, skipped: 0 }, signal: null });
  });

  describe('that stays is a failure', () => {
    const stays = [
      ['a handle', /did not end by itself after its last test: it was kept by .*TCPServerWrap/i],
      ['blocked', /did not end after its last test, and was killed: its main thread is blocked$/],
      ['blocked at its end', /did not end after its last test, and was killed: it had begun to end/],
    ] as const;
    let outcomes: readonly Outcome[] = [];

    // All at a time: each is waited for, and has nothing to do.
    before(async () => {
      outcomes = await Promise.all(stays.map(([way]) => run(way)));
    });

    for (const [index, [way, problem]] of stays.entries()) {
      it(`by ${way}`, () => {
        expect(outcomes[index]).to.deep.include({ counts: { passed: 1, failed: 1, skipped: 0 }, signal: null });
        expect(outcomes[index]?.problem).to.match(problem);
      });
    }
  });
});
