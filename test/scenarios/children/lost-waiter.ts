/**
 * Loses its waiter thread in the way that the first argument names, and goes on. The second one is the backend, the third when an
 * agent in the thread ends it.
 * Prints what happened, in order.
 */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { createNetworkPal } from '../../../src/index.ts';
import { onBackend } from '../../support/backends.ts';
import { accept, connect, pair, read, write } from '../../support/io.ts';
import { until } from '../../support/until.ts';
import { instrumentThreads, isEnding } from './agent-in-threads.ts';

const [way = '', backend = 'iocp', when = 'start'] = process.argv.slice(2);
/** Milliseconds in which a thread that is up gets to wait in the system. */
const IDLE_MS = 300;
/** Events, of which the thread gets one at last. */
const MAX_EVENTS = 100;

const worker = new Promise<Worker>((resolve) => process.once('worker', resolve));
let warned = false;
process.on('warning', (warning) => {
  warned = true;
  console.log(`warning ${'code' in warning ? String(warning.code) : warning.name}`);
});

if (isEnding(way)) instrumentThreads(way, when === 'event' ? 'event' : 'start');
const pal = createNetworkPal({ ...onBackend(backend), strict: true });
pal.initialize();
const running = pal.runEventLoop();
if (way === 'before-it-is-ready') void (await worker).terminate();
const { client, served, server } = await pair(pal);

async function talk(what: string): Promise<void> {
  const answer = read(pal, client);
  await sleep(20);
  await write(pal, served, new Uint8Array(5));
  console.log(`${what} ${(await answer).length}`);
}

await talk('first');
if (way === 'while-it-waits') {
  const thread = await worker;
  const answer = read(pal, client);
  await sleep(IDLE_MS);
  // It ends when its system call returns: with the packet that makes it return.
  void thread.terminate();
  await write(pal, served, new Uint8Array(7));
  console.log(`packet in hand ${(await answer).length}`);
}
if (when === 'event') {
  // Until the thread is there, and whenever it is quicker, this one finds the events.
  const goesOn = (): boolean => !warned;
  for (let attempt = 0; goesOn() && attempt < MAX_EVENTS; attempt++) {
    const answer = read(pal, client);
    await sleep(IDLE_MS);
    await write(pal, served, new Uint8Array(3));
    await answer;
  }
}
if (way === 'during-a-stop') void (await worker).terminate();
else {
  await talk('second');
  const [another] = await Promise.all([accept(pal, server.handle), connect(pal, '127.0.0.1', server.port)]);
  console.log(`accepted ${another.peer.address}`);
  await until(
    () => warned,
    () => 'a word on the thread that is lost',
  );
}
await pal.stopEventLoop();
await running;
console.log(`stopped ${String(pal.isRunning())}`);
