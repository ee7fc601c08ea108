/** A process that has a PAL ends whichever way it ends, soon, and with the right exit code. */
import { expect } from 'chai';
import { runPromptly, SOON_MS, testsInPairs, type ChildEnd } from '../support/child.ts';

function expectEnd(end: ChildEnd, code: number): void {
  const all = `${end.stdout}${end.stderr}`;
  expect(end.stdout, all).to.include('ending');
  expect(end.code, all).to.equal(code);
  expect(end.endedAfterMs, all).to.be.below(SOON_MS);
}

/** Of the inline waiter's ends only the ones that differ: it has no thread that could be left blocked. */
const INLINE_WAYS: readonly string[] = ['natural-end', 'stop', 'exit', 'uncaught-error'];

for (const waiter of ['worker', 'inline']) {
  describe(`the end of the process [${waiter}]`, () => {
    const test = testsInPairs();
    for (const [way, code, output] of [
      ['nothing-opened', 0, /loop ended/],
      ['natural-end', 0, /loop ended/],
      ['natural-end-unref', 0, /^(?=[^]*read came back)(?=[^]*accept came back)[^]*loop ended/],
      ['ref-keeps-alive', 0, /ending\s+loop ended/],
      ['top-level-await', 0, /loop ended/],
      ['stop', 0, /stopped\s+loop ended/],
      ['exit', 7, /^ending\s*$/],
      ['exit-at-once', 7, /^ending\s*$/],
      ['uncaught-error', 1, /^ending\s*$/],
      ['unhandled-rejection', 1, /^ending\s*$/],
      ['throwing-callback', 1, /^ending\s*$/],
    ] as const) {
      if (waiter === 'inline' && !INLINE_WAYS.includes(way)) continue;
      test(
        `${way}: exit code ${code}`,
        () => runPromptly('process-end', [way, waiter]),
        (end) => {
          expectEnd(end, code);
          expect(end.stdout).to.match(output);
          if (code === 1) expect(end.stderr).to.include('on purpose');
          else expect(end.stderr).to.equal('');
        },
      );
    }

    if (waiter === 'inline') return;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
      test(
        `${signal} from another process, with everything pending`,
        () => runPromptly('process-end', ['signal', waiter], (child) => child.kill(signal)),
        (end) => {
          // On Windows all three end the process unconditionally.
          expect(end.signal ?? end.code, end.stderr).to.not.equal(0);
          expect(end.endedAfterMs).to.be.below(SOON_MS);
        },
      );
    }
  });
}
