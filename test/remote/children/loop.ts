/** A thread with a PAL of its own: an echo server, told what to do through its remote queue. */
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { createNetworkPal, type WaiterKind, type RemoteToken, type SocketHandle } from '../../../src/index.ts';
import { echo } from '../../support/io.ts';

/** What the thread is started with. */
export interface LoopTask {
  waiter: WaiterKind;
  /** What the thread does at the end of its loop. */
  end: 'naturally' | 'exit';
}

/** What it says. */
export type LoopMessage =
  | { what: 'ready'; remote: RemoteToken; port: number; post: number }
  | { what: 'accepted'; socket: SocketHandle }
  | { what: 'posted'; text: string }
  | { what: 'failed'; code: string }
  | { what: 'stopped' };

const { waiter, end } = workerData as LoopTask;
const say = (message: LoopMessage): void => parentPort?.postMessage(message);
const pal = createNetworkPal({ waiter, strict: true });
pal.initialize();
const running = pal.runEventLoop();
const server = pal.createServer('127.0.0.1', 0);
const accept = (): void =>
  void pal.asyncAccept(server.handle, (error, socket) => {
    if (error !== null) return;
    say({ what: 'accepted', socket });
    echo(pal, socket).catch(() => undefined); // the loop was stopped, or the peer is gone
    accept();
  });
accept();
const post = pal.onRemotePost((message) => {
  const text = Buffer.from(message).toString();
  if (text === 'spin') for (;;); // until terminated
  say({ what: 'posted', text });
});
pal.onRemoteError((error) => say({ what: 'failed', code: error.code }));
say({ what: 'ready', remote: pal.remote(), port: server.port, post });
await running;
say({ what: 'stopped' });
if (end === 'exit') process.exit(5);
