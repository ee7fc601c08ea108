/** Two PALs, of which one loses its waiter thread; the first argument is their backend. Prints what happened, in order. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { onBackend } from '../../support/backends.ts';
import { pair, read, write } from '../../support/io.ts';

const [backend = 'iocp'] = process.argv.slice(2);
/** Milliseconds in which a loop becomes idle, and leaves the waiting to whoever waits for it. */
const IDLE_MS = 50;

const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));
process.on('warning', (warning) => console.log(`warning ${'code' in warning ? String(warning.code) : warning.name}`));

interface Talker {
  readonly pal: NetworkPal;
  readonly talk: () => Promise<number>;
  readonly running: Promise<void>;
}

async function begin(): Promise<Talker> {
  const pal = createNetworkPal({ ...onBackend(backend), strict: true });
  pal.initialize();
  const running = pal.runEventLoop();
  const { client, served } = await pair(pal);
  const talk = async (): Promise<number> => {
    const answer = read(pal, client);
    await sleep(IDLE_MS);
    await write(pal, served, new Uint8Array(5));
    return (await answer).length;
  };
  return { pal, talk, running };
}

const one = await begin();
const other = await begin();
const talkBoth = async (): Promise<string> => (await Promise.all([one.talk(), other.talk()])).join(' ');
const lives = (): string => workers.map(({ threadId }) => (threadId === -1 ? 'gone' : 'alive')).join(' ');

console.log(`both ${await talkBoth()}`);
// It blocks in the system: so it ends with what makes that return.
const lost = workers[0]?.terminate();
await one.talk();
await lost;
console.log(`both ${await talkBoth()}`);
console.log(`threads ${lives()}`);
await one.pal.stopEventLoop();
await one.running;
console.log(`ended, and the other ${await other.talk()}`);
await other.pal.stopEventLoop();
await other.running;
console.log(`threads ${lives()}`);
