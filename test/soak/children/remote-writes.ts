/** The thread of remote-writer.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { Buffer } from 'node:buffer';
import { openRemote, type RemoteToken, type SocketHandle } from '../../../src/index.ts';
import { streamBytes } from '../../sim/support/pattern.ts';
import { persist } from '../../support/persist.ts';

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

parentPort?.on('message', ({ socket, stream, total, piece, post }: RemoteTask) => {
  for (let offset = 0; offset < total; offset += piece) {
    const bytes = streamBytes(stream, offset, Math.min(piece, total - offset));
    persist(() => remote.write(socket, bytes));
  }
  persist(() => remote.post(post, Buffer.from(`${stream} ${total}`)));
});
parentPort?.postMessage('ready');
