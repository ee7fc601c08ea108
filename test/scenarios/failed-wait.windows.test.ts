/** What a loop waits on is closed by somebody else in the process: the loop ends with an error, and so can the process. */
import { expect } from 'chai';
import { runChild } from '../support/child.ts';

describe('a loop whose wait fails', () => {
  for (const [backend, syscall] of [
    ['iocp', 'GetQueuedCompletionStatusEx'],
    ['wsapoll', 'WSAPoll'],
  ] as const) {
    // (WSAPoll under Wine says nothing of a socket that was closed, to the thread that has closed it.)
    for (const waiter of backend === 'iocp' ? ['worker', 'inline'] : ['worker']) {
      it(`is rejected, and runs again [${backend} ${waiter}]`, async () => {
        const { code, stdout, stderr } = await runChild('failed-wait', [backend, waiter]);
        expect(code, stdout + stderr).to.equal(0);
        const lines = stdout.trim().split(/\r?\n/);
        // Which thread met the failure first is a matter of the moment.
        const [loop, ...rest] = lines.filter((line) => line !== 'warning IOCP_PAL_WAITER_LOST');
        expect(loop, stderr).to.match(new RegExp(`^loop ERR_EVENT_LOOP_FAILED ${syscall}$`));
        expect(rest, stderr).to.deep.equal(['read answered', 'running false', 'again 3', 'ending']);
      });
    }
  }
});
