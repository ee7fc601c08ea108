/** A thread that submits numbered messages to a loop of another thread, as fast as its queue takes them. */
import { parentPort, workerData } from 'node:worker_threads';
import { NetworkError, openRemote, type RemoteToken, type SocketHandle } from '../../../src/index.ts';

/** What the thread is started with. */
export interface SubmitterTask {
  remote: RemoteToken;
  /** The connection to write to. */
  socket: SocketHandle;
  /** The callback to post to, with each number. */
  post: number;
  count: number;
}

const { remote: token, socket, post, count } = workerData as SubmitterTask;
const remote = openRemote(token);
const pause = new Int32Array(new SharedArrayBuffer(4));
let full = 0;

function persist(submit: () => void): void {
  for (;;) {
    try {
      submit();
      return;
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== 'ERR_REMOTE_QUEUE_FULL') throw error;
      full++;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

for (let number = 0; number < count; number++) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  persist(() => remote.write(socket, bytes));
  persist(() => remote.post(post, bytes));
}
persist(() => remote.close(socket));
parentPort?.postMessage({ full });
