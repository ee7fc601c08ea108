/** Waiting on a set of polled sockets: in a worker_thread, or inline. */
import { checkWinsock } from '../../ffi/check.ts';
import type { Ws2_32 } from '../../ffi/ws2_32.ts';
import type { PollerKind, PollWaiterParts, PortWaiter } from '../winsock/kernel.ts';
import { InlineWaiter } from '../winsock/waiter/inline-waiter.ts';
import { WorkerWaiter } from '../winsock/waiter/worker-waiter.ts';
import { ADDRESS_HIGH_WORD, ADDRESS_LOW_WORD, FDS_WORD, LIMIT_WORD } from './poll-words.ts';

export function createPollWaiter(ws2_32: Ws2_32, kind: PollerKind, parts: PollWaiterParts): PortWaiter {
  const { array, limitMs, interrupt, onReady, onFailure } = parts;
  if (kind === 'worker') {
    return new WorkerWaiter({
      module: new URL('./poll-worker', import.meta.url),
      data: {},
      prepare: (control) => {
        const { address, count } = array();
        control[ADDRESS_LOW_WORD] = address; // modulo 2^32
        control[ADDRESS_HIGH_WORD] = address / 2 ** 32;
        control[FDS_WORD] = count;
        control[LIMIT_WORD] = limitMs();
      },
      interrupt,
      onReady,
      onFailure,
    });
  }
  return new InlineWaiter({
    waitOnce: (ms) => {
      const { address, count } = array();
      const found = ws2_32.WSAPoll(address, count, ms);
      checkWinsock(found, ws2_32, 'WSAPoll');
      return found > 0 || limitMs() === 0 ? found : 1;
    },
    onReady,
    onFailure,
  });
}
