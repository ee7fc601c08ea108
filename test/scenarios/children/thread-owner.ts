/** A thread that owns a PAL with everything pending, and is told to end in the middle of it. */
import process from 'node:process';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createNetworkPal } from '../../../src/index.ts';
import { pair, write } from '../../support/io.ts';

async function own(): Promise<void> {
  const pal = createNetworkPal({ strict: true });
  pal.initialize();
  const running = pal.runEventLoop();
  const { client, served, server } = await pair(pal);
  const nothing = (): void => undefined;
  pal.asyncAccept(server.handle, nothing);
  pal.asyncRead(served, new Uint8Array(10), 10, nothing);
  pal.asyncRead(client, new Uint8Array(10), 10, nothing);
  await write(pal, served, new Uint8Array(1));
  parentPort?.postMessage('busy');
  await running;
}

async function terminate(): Promise<void> {
  const pal = createNetworkPal({ strict: true });
  pal.initialize();
  const running = pal.runEventLoop();
  for (let round = 0; round < 3; round++) {
    const thread = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => thread.once('message', resolve));
    const start = Date.now();
    await thread.terminate();
    console.log(`terminated ${round} after ${Date.now() - start} ms`);
    // The PAL of this thread does not notice.
    const { client, served } = await pair(pal);
    await write(pal, client, new Uint8Array(1));
    pal.resetSocket(served);
  }
  if (process.argv[2] === 'exit') {
    const thread = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => thread.once('message', resolve));
    console.log('ending');
    process.exit(7);
  }
  await pal.stopEventLoop();
  await running;
  console.log('ending');
}

if (isMainThread) await terminate();
else await own();
