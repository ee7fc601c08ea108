/**
 * The poller thread: waits in GetQueuedCompletionStatusEx when the gate is open, and rings. Nothing else: it never looks
 * at an operation, and it makes plain synchronous calls only (koffi's callbacks and asynchronous calls are not safe in
 * a thread that may be torn down).
 *
 * The wait is cut into slices, so that the thread ends within WAIT_SLICE_MS even where nobody can post it a WAKE packet
 * (terminate() of the thread that owns the PAL).
 */
import { workerData } from 'node:worker_threads';
import { loadKernel32 } from '../../ffi/kernel32.ts';
import { loadKoffi } from '../../ffi/koffi.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import { pollUntilStopped } from '../winsock/waiter/gate.ts';
import type { PollerData } from '../winsock/waiter/worker-waiter.ts';

/** Milliseconds of one slice of the wait: one wake-up a second on an idle server, and an end within a second. */
const WAIT_SLICE_MS = 1000;

/** What this thread is started with. */
export interface PortPollerData extends PollerData {
  port: number;
  entriesAddress: number;
  capacity: number;
  countAddress: number;
}

const { control, port, entriesAddress, capacity, countAddress } = workerData as PortPollerData;
const koffi = loadKoffi();
const kernel32 = loadKernel32(koffi);
const count = new Uint32Array(koffi.view(countAddress, Uint32Array.BYTES_PER_ELEMENT));

pollUntilStopped(control, () => {
  const ok = kernel32.GetQueuedCompletionStatusEx(port, entriesAddress, capacity, countAddress, WAIT_SLICE_MS, 0);
  // The count means nothing unless the call returned TRUE.
  if (ok !== 0) return count[0] ?? 0;
  const systemErrorCode = kernel32.GetLastError();
  return systemErrorCode === WAIT_TIMEOUT ? 0 : { syscall: 'GetQueuedCompletionStatusEx', systemErrorCode };
});
