/** Ends the process in the way that the argument names, while the waiter thread is in WSAPoll and operations wait. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetworkPal } from '../../../src/index.ts';
import { wsapoll } from '../../../src/wsapoll/index.ts';
import { pair } from '../../support/io.ts';

const pal = createNetworkPal({ backend: wsapoll, strict: true });
pal.initialize();
const running = pal.runEventLoop();
const { client, server } = await pair(pal);
if (process.argv[2] !== 'natural-end') {
  pal.asyncRead(client, new Uint8Array(1), 1, () => undefined);
  pal.asyncAccept(server.handle, () => undefined);
}
await sleep(50); // the thread waits by now
console.log('ending');
const way = process.argv[2];
if (way === 'exit') process.exit(7);
if (way === 'stop') await pal.stopEventLoop();
if (way === 'uncaught-error') {
  setImmediate(() => {
    throw new Error('on purpose');
  });
}
await running;
console.log('loop ended');
