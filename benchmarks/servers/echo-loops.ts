/** Sends back what arrives, on several loops: the main thread accepts and spreads. Its first argument is loops-N. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createNetworkPal, type RemoteToken } from '../../src/index.ts';
import { report } from './control.ts';
import { serveEcho } from './echo-connection.ts';
import { BACKLOG } from './settings.ts';

if (isMainThread) await accept(Number(process.argv[2]?.replace('loops-', '')));
else await work();

async function accept(count: number): Promise<void> {
  const threads = Array.from({ length: count }, () => new Worker(new URL(import.meta.url)));
  const ready = (thread: Worker): Promise<RemoteToken> => new Promise((resolve) => thread.once('message', resolve));
  const loops = await Promise.all(threads.map(ready));
  const pal = createNetworkPal();
  pal.initialize();
  const server = pal.createServer('127.0.0.1', 0, { backlog: BACKLOG, noDelay: true, spread: { loops } });
  report(server.port, () => ({ pinnedBytes: pal.stats().pinnedBytes, accepted: pal.stats().accepted }));
  await pal.runEventLoop();
}

async function work(): Promise<void> {
  const pal = createNetworkPal({ waiter: 'inline' });
  pal.initialize();
  pal.onConnection((socket) => serveEcho(pal, socket));
  parentPort?.postMessage(pal.remote());
  await pal.runEventLoop();
}
