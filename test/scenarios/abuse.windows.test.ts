/**
 * Peers that mean no good cost a bounded amount, and do not stop those that do: docs/limits.md. The full size, 10 000 of
 * them, is `npm run bench -- crowd-abuse`.
 */
import { expect } from 'chai';
import { CHILD_TIMEOUT_MS, runChild } from '../support/child.ts';
import type { AbuseReport } from './children/abuse.ts';

const BAD = 400;
/** Bytes that one connection may queue: what came with one read, and waits to be answered. */
const QUEUED_PER_CONNECTION = 16_384;
/** One in ten of the bad ones never reads. */
const DEAF = BAD / 10;
const GOOD = 20;

describe('peers that mean no good', () => {
  it('are thrown out, cost a bounded amount, and do not stop the good ones', async function () {
    this.timeout(CHILD_TIMEOUT_MS);
    const { code, stdout, stderr } = await runChild('abuse');
    expect(code, `${stdout}${stderr}`).to.equal(0);
    const line = stdout.split('\n').find((text) => text.startsWith('report ')) ?? '';
    const report = JSON.parse(line.slice('report '.length)) as AbuseReport;
    const what = JSON.stringify(report);
    // Every good one got its answers, before and meanwhile. (One that the server had ended would have failed the child.)
    expect(report.alone.fewest, what).to.be.above(0);
    expect(report.among.fewest, what).to.be.above(0);
    // The bad ones were thrown out, by either limit, and some came back.
    expect(report.tooSlow, what).to.be.above(100);
    expect(report.tooQuiet, what).to.be.above(10);
    expect(report.connected, what).to.be.above(BAD);
    expect(report.thrownOut, what).to.be.above(100);
    // Only those that have bytes under way queue any, and each no more than its share.
    expect(report.queuedBytes, what).to.be.at.most((DEAF + GOOD) * QUEUED_PER_CONNECTION);
    // A context each, a small block for those that have spoken, a large one for those that flood.
    expect(report.pinnedBytes, what).to.be.at.most((BAD + GOOD + 64) * 1024 + (DEAF + GOOD) * 2 * 65_536);
    expect([report.socketsLeft, report.queuedLeft], what).to.deep.equal([0, 0]);
  });
});
