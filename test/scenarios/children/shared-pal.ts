/** Uses sharedPal() in the way that the first argument names, and ends by itself: nobody stops the loop. */
import process from 'node:process';
import { isMainThread, Worker } from 'node:worker_threads';
import { sharedPal } from '../../../src/index.ts';
import { pair, read, write } from '../../support/io.ts';

const [way = ''] = process.argv.slice(2);

async function echoOnce(): Promise<void> {
  const { client, served } = await pair(sharedPal());
  await write(sharedPal(), client, new Uint8Array(5));
  console.log(`read ${(await read(sharedPal(), served)).length}`);
}

const ways: Record<string, () => unknown> = {
  echo: echoOnce,
  unref: async () => {
    const pal = sharedPal();
    const { client, server } = await pair(pal);
    pal.asyncRead(client, new Uint8Array(1), 1, () => console.log('read came back'));
    pal.asyncAccept(server.handle, () => console.log('accept came back'));
    pal.unref(client);
    pal.unref(server.handle);
    process.once('beforeExit', () => console.log(`idle, and ${pal.isRunning() ? 'running' : 'stopped'}`));
  },
  'in-thread': async () => {
    const thread = new Worker(new URL(import.meta.url), { argv: ['echo'] });
    await new Promise((resolve) => thread.once('exit', resolve));
    await echoOnce();
  },
  'stopped-and-again': async () => {
    await echoOnce();
    await sharedPal().stopEventLoop();
    await echoOnce();
  },
};

await ways[way]?.();
if (isMainThread) console.log('ending');
