/** A thread that fills a ring with numbered records of many lengths, waiting a little whenever it is full. */
import { parentPort, workerData } from 'node:worker_threads';
import { RingProducer, Submitted } from '../../../src/remote/ring.ts';

/** What the thread is started with. */
export interface ProducerTask {
  buffer: SharedArrayBuffer;
  /** Number of this producer; the `kind` of its records. */
  producer: number;
  records: number;
  /** Payload lengths run from 0 to this. */
  maxLength: number;
}

const { buffer, producer, records, maxLength } = workerData as ProducerTask;
const pause = new Int32Array(new SharedArrayBuffer(4));
let wakes = 0;
let full = 0;
let closedAt = -1;
const ring = new RingProducer(buffer, () => {
  wakes++;
  parentPort?.postMessage('wake');
});

for (let number = 0; number < records && closedAt < 0; number++) {
  const payload = new Uint8Array((number * 37 + producer * 11) % (maxLength + 1)).fill((number + producer) & 0xff);
  for (;;) {
    const outcome = ring.submit(producer, number, payload);
    if (outcome === Submitted.Done) break;
    if (outcome === Submitted.Closed) {
      closedAt = number;
      break;
    }
    if (outcome !== Submitted.Full) throw new Error(`Unexpected outcome ${outcome}`);
    full++;
    Atomics.wait(pause, 0, 0, 1);
  }
}
parentPort?.postMessage({ wakes, full, closedAt });
