/** An echo over a loop that is idle, and has been long enough for its waiter thread to wait in the system. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { createNetworkPal } from '../../../src/index.ts';
import { pair, read, write } from '../../support/io.ts';

/** Milliseconds that the loop stays idle once its thread runs code. */
const IDLE_MS = 200;

export async function idleEcho(): Promise<void> {
  const online = new Promise((resolve) => {
    process.once('worker', (worker: Worker) => worker.once('online', resolve));
  });
  const pal = createNetworkPal({ strict: true });
  pal.initialize();
  const running = pal.runEventLoop();
  const { client, served } = await pair(pal);
  const answer = read(pal, client);
  await online;
  await sleep(IDLE_MS);
  await write(pal, served, new Uint8Array(3));
  const { length } = await answer;
  console.log(`echoed ${length} bytes`);
  await pal.stopEventLoop();
  await running;
}
