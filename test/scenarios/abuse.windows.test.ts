/**
 * Peers that mean no good cost a bounded amount, and do not stop those that do: docs/limits.md. The full size, 10 000 of
 * them, is `npm run bench -- many-abusers`.
 */
import { expect } from 'chai';
import { runChild, type ChildEnd } from '../support/child.ts';
import { BAD, GOOD, hasSeenEnough, LOST_A_GOOD_ONE, type AbuseReport } from './children/abuse-report.ts';

/** Bytes that one connection may queue: what came with one read, and waits to be answered. */
const QUEUED_PER_CONNECTION = 16_384;
/** One in ten of the bad ones never reads. */
const DEAF = BAD / 10;
/**
 * How patient the server is, in turn. One that throws out a good client does so because the machine let it wait: then with more
 * patience than before. A server that throws out good ones whatever it is told does it each time.
 */
const PATIENCE = [1, 3, 9];

async function runWithPatience(): Promise<ChildEnd> {
  for (const factor of PATIENCE) {
    const end = await runChild('abuse', [String(factor)]);
    if (end.code !== LOST_A_GOOD_ONE || factor === PATIENCE.at(-1)) return end;
  }
  throw new Error('unreachable');
}

describe('peers that mean no good', () => {
  it('are thrown out, cost a bounded amount, and do not stop the good ones', async () => {
    const { code, stdout, stderr } = await runWithPatience();
    expect(code, `${stdout}${stderr}`).to.equal(0);
    const line = stdout.split('\n').find((text) => text.startsWith('report ')) ?? '';
    const report = JSON.parse(line.slice('report '.length)) as AbuseReport;
    const what = JSON.stringify(report);
    // Every good one got its answers, before and meanwhile. (One that the server had ended would have failed the child.)
    expect(report.alone.fewest, what).to.be.above(0);
    expect(report.among.fewest, what).to.be.above(0);
    // The bad ones were thrown out, by either limit, and some came back.
    expect(hasSeenEnough(report), what).to.equal(true);
    // Only those that have bytes under way queue any, and each no more than its share.
    expect(report.queuedBytes, what).to.be.at.most((DEAF + GOOD) * QUEUED_PER_CONNECTION);
    // A context each, a small block for those that have spoken, a large one for those that flood.
    expect(report.pinnedBytes, what).to.be.at.most((BAD + GOOD + 64) * 1024 + (DEAF + GOOD) * 2 * 65_536);
    expect([report.socketsLeft, report.queuedLeft], what).to.deep.equal([0, 0]);
  });
});
