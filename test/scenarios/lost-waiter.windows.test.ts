/** A waiter thread that is lost costs no event and no call, and nobody waits for it. */
import { expect } from 'chai';
import { runChild } from '../support/child.ts';

const LOST = 'warning IOCP_PAL_WAITER_LOST';
const REST = ['second 5', 'accepted 127.0.0.1', 'stopped false'];

describe('a waiter thread that is lost', function () {
  for (const backend of ['iocp', 'wsapoll']) {
    for (const [way, lines] of [
      ['before-it-is-ready', ['first 5', ...REST]],
      ['while-it-waits', ['first 5', 'packet in hand 7', ...REST]],
      ['during-a-stop', ['first 5', 'stopped false']],
    ] as const) {
      it(`${way} [${backend}]`, async () => {
        const { code, stdout, stderr } = await runChild('lost-waiter', [way, backend]);
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

  for (const backend of ['iocp', 'wsapoll']) {
    for (const way of ['exits', 'throws', 'runs-out-of-memory']) {
      for (const when of ['start', 'event']) {
        const moment = when === 'start' ? 'before it is ready' : 'with an event in hand';
        it(`to an agent that ${way.replaceAll('-', ' ')} ${moment} [${backend}]`, async () => {
          const { code, stdout, stderr } = await runChild('lost-waiter', [way, backend, when]);
          const all = stdout.trim().split(/\r?\n/);
          expect(code, stdout + stderr).to.equal(0);
          expect(
            all.filter((line) => line !== LOST),
            stderr,
          ).to.deep.equal(['first 5', ...REST]);
          expect(all.filter((line) => line === LOST)).to.have.lengthOf(1);
        });
      }
    }

    it(`costs another PAL of the process nothing [${backend}]`, async () => {
      const { code, stdout, stderr } = await runChild('one-of-two-waiters', [backend]);
      expect(code, stdout + stderr).to.equal(0);
      expect(stdout.trim().split(/\r?\n/), stderr).to.deep.equal([
        'both 5 5',
        'warning IOCP_PAL_WAITER_LOST',
        'both 5 5',
        'threads gone alive',
        'ended, and the other 5',
        'threads gone gone',
      ]);
    });
  }
});
