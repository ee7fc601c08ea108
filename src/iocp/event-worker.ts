/** The thread that waits for the event of shared accepts (event-waiter.ts), in slices like port-worker.ts. */
import { workerData } from 'node:worker_threads';
import { WAIT_OBJECT_0 } from '../../ffi/constants.ts';
import { loadKernel32 } from '../../ffi/kernel32.ts';
import { loadKoffi } from '../../ffi/koffi.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import { pollUntilStopped } from '../winsock/waiter/gate.ts';
import type { EventWorkerData } from './event-waiter.ts';

/** Milliseconds of one slice of the wait: the thread ends within it, also where nobody can set the event. */
const WAIT_SLICE_MS = 1000;

const { control, event } = workerData as EventWorkerData;
const kernel32 = loadKernel32(loadKoffi());

pollUntilStopped(control, () => {
  const result = kernel32.WaitForSingleObject(event, WAIT_SLICE_MS);
  if (result === WAIT_OBJECT_0) return 1;
  if (result === WAIT_TIMEOUT) return 0;
  return { syscall: 'WaitForSingleObject', systemErrorCode: kernel32.GetLastError() };
});
