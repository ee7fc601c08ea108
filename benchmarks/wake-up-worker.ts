/** The poller of the rejected way: no wake-up, but a short timeout, after which it looks at a flag. */
import { workerData } from 'node:worker_threads';
import { loadKoffi } from '../ffi/koffi.ts';
import { loadWs2_32 } from '../ffi/ws2_32.ts';
import { pollUntilStopped } from '../src/winsock/waiter/gate.ts';
import type { PollerData } from '../src/winsock/waiter/worker-waiter.ts';
import { ADDRESS_HIGH_WORD, ADDRESS_LOW_WORD, FDS_WORD, LIMIT_WORD } from '../src/wsapoll/poll-words.ts';

const { control, flag, timeoutMs } = workerData as PollerData & { flag: Int32Array; timeoutMs: number };
const ws2_32 = loadWs2_32(loadKoffi());

pollUntilStopped(control, () => {
  const address = Atomics.load(control, ADDRESS_HIGH_WORD) * 2 ** 32 + (Atomics.load(control, ADDRESS_LOW_WORD) >>> 0);
  const found = ws2_32.WSAPoll(address, Atomics.load(control, FDS_WORD), timeoutMs);
  const changed = Atomics.exchange(flag, 0, 0) === 1;
  return found > 0 || !(changed || Atomics.load(control, LIMIT_WORD) > 0) ? found : 1;
});
