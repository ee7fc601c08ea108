/**
 * The poller thread of the WSAPoll driver: waits in WSAPoll when the gate is open, and rings. The array belongs to this
 * thread meanwhile; whoever wants to change it interrupts the wait first (poll-set.ts).
 */
import { workerData } from 'node:worker_threads';
import { loadKoffi } from '../../ffi/koffi.ts';
import { loadWs2_32 } from '../../ffi/ws2_32.ts';
import { WSAENOTSOCK } from '../../ffi/wsa-errors.ts';
import { pollUntilStopped } from '../winsock/waiter/gate.ts';
import type { PollerData } from '../winsock/waiter/worker-waiter.ts';
import { ADDRESS_HIGH_WORD, ADDRESS_LOW_WORD, FDS_WORD, LIMIT_WORD } from './poll-words.ts';

/** Milliseconds of one slice of the wait; see iocp/port-worker.ts. */
const WAIT_SLICE_MS = 1000;

const { control } = workerData as PollerData;
const ws2_32 = loadWs2_32(loadKoffi());

pollUntilStopped(control, () => {
  const address = Atomics.load(control, ADDRESS_HIGH_WORD) * 2 ** 32 + (Atomics.load(control, ADDRESS_LOW_WORD) >>> 0);
  const limitMs = Atomics.load(control, LIMIT_WORD);
  const found = ws2_32.WSAPoll(address, Atomics.load(control, FDS_WORD), limitMs > 0 ? limitMs : WAIT_SLICE_MS);
  if (found < 0) {
    const systemErrorCode = ws2_32.WSAGetLastError();
    // A socket of the array was closed while it was ours: the owner takes it out before the next wait.
    return systemErrorCode === WSAENOTSOCK ? 1 : { syscall: 'WSAPoll', systemErrorCode };
  }
  // A limited wait that found nothing returns too: somebody wants to look at something by then.
  return found > 0 || limitMs === 0 ? found : 1;
});
