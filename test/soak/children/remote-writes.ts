/** The thread of remote-writer.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { Buffer } from 'node:buffer';
import { NetworkError, openRemote, type RemoteToken, type SocketHandle } from '../../../src/index.ts';
import { streamBytes } from '../../sim/support/pattern.ts';

/** One connection's work. */
export interface RemoteTask {
  readonly socket: SocketHandle;
  readonly stream: number;
  /** Bytes of the stream. */
  readonly total: number;
  /** Bytes of one write. */
  readonly piece: number;
  /** The callback to post to when all of it is submitted. */
  readonly post: number;
}

const { remote: token } = workerData as { remote: RemoteToken };
const remote = openRemote(token);
const pause = new Int32Array(new SharedArrayBuffer(4));

parentPort?.on('message', ({ socket, stream, total, piece, post }: RemoteTask) => {
  for (let offset = 0; offset < total; offset += piece) {
    const bytes = streamBytes(stream, offset, Math.min(piece, total - offset));
    persist(() => remote.write(socket, bytes));
  }
  persist(() => remote.post(post, Buffer.from(`${stream} ${total}`)));
});
parentPort?.postMessage('ready');

/** A full queue has room again when the loop has had a turn. */
function persist(submit: () => void): void {
  for (;;) {
    try {
      submit();
      return;
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== 'ERR_REMOTE_QUEUE_FULL') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
