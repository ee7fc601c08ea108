/** Submitting from another thread until the queue takes it. */
import { NetworkError } from '../../src/index.ts';

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Submits, and again as long as the queue is full: it has room when the loop has had a turn. Returns how often it was full. */
export function persist(submit: () => void): number {
  for (let full = 0; ; full++) {
    try {
      submit();
      return full;
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== 'ERR_REMOTE_QUEUE_FULL') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
