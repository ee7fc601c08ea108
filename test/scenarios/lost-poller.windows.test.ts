/** A poller thread that is lost costs no event and no call, and nobody waits for it. */
import { expect } from 'chai';
import { runChild } from '../support/child.ts';

const LOST = 'warning IOCP_PAL_POLLER_LOST';
const REST = ['second 5', 'accepted 127.0.0.1', 'stopped false'];

describe('a poller thread that is lost', function () {
  for (const driver of ['iocp', 'wsapoll']) {
    for (const [way, lines] of [
      ['before-it-is-ready', ['first 5', ...REST]],
      ['while-it-waits', ['first 5', 'packet in hand 7', ...REST]],
      ['during-a-stop', ['first 5', 'stopped false']],
    ] as const) {
      it(`${way} [${driver}]`, async () => {
        const { code, stdout, stderr } = await runChild('lost-poller', [way, driver]);
        const all = stdout.trim().split(/\r?\n/);
        expect(code, stdout + stderr).to.equal(0);
        expect(
          all.filter((line) => line !== LOST),
          stderr,
        ).to.deep.equal(lines);
        // Said once; at a stop there is nothing to go on with.
        if (way !== 'during-a-stop') expect(all.filter((line) => line === LOST)).to.have.lengthOf(1);
      });
    }
  }
});
