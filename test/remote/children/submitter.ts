/** A thread that submits numbered messages to a loop of another thread, as fast as its queue takes them. */
import { parentPort, workerData } from 'node:worker_threads';
import { openRemote, type RemoteToken, type SocketHandle } from '../../../src/index.ts';
import { persist } from '../../support/persist.ts';

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
let full = 0;

for (let number = 0; number < count; number++) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  full += persist(() => remote.write(socket, bytes));
  full += persist(() => remote.post(post, bytes));
}
full += persist(() => remote.close(socket));
parentPort?.postMessage({ full });
