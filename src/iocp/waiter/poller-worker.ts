/**
 * The poller thread: waits in GetQueuedCompletionStatusEx when the gate is open, and rings. Nothing else: it never looks
 * at an operation, and it makes plain synchronous calls only (koffi's callbacks and asynchronous calls are not safe in
 * a thread that may be torn down).
 *
 * A blocked foreign call cannot be interrupted, neither by terminate() nor by process.exit(): whoever ends this thread
 * sets the gate to STOP and posts a WAKE packet. The wait is cut into slices all the same, so that even without the
 * packet (terminate() of the thread that owns the PAL) it ends within WAIT_SLICE_MS.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadKernel32 } from '../../../ffi/kernel32.ts';
import { loadKoffi } from '../../../ffi/koffi.ts';
import { WAIT_TIMEOUT } from '../../../ffi/wsa-errors.ts';
import { CLOSED, COUNT, GATE, OPEN, STOP, type PollerData, type PollerMessage } from './gate.ts';

/** Milliseconds of one slice of the wait: one wake-up a second on an idle server, and an end within a second. */
const WAIT_SLICE_MS = 1000;

function poll({ control, port, entriesAddress, capacity, countAddress }: PollerData): void {
  const words = new Int32Array(control);
  const kernel32 = loadKernel32(loadKoffi());
  const count = countWord(countAddress);
  for (;;) {
    Atomics.wait(words, GATE, CLOSED);
    if (Atomics.load(words, GATE) === STOP) return;
    const ok = kernel32.GetQueuedCompletionStatusEx(port, entriesAddress, capacity, countAddress, WAIT_SLICE_MS, 0);
    if (ok === 0) {
      const code = kernel32.GetLastError();
      if (code === WAIT_TIMEOUT) continue;
      ring(code);
      return;
    }
    Atomics.store(words, COUNT, count[0] ?? 0);
    // Not a plain store: a STOP that came meanwhile must stay.
    Atomics.compareExchange(words, GATE, OPEN, CLOSED);
    ring(null);
  }
}

function countWord(address: number): Uint32Array {
  return new Uint32Array(loadKoffi().view(address, Uint32Array.BYTES_PER_ELEMENT));
}

function ring(message: PollerMessage): void {
  parentPort?.postMessage(message);
}

poll(workerData as PollerData);
