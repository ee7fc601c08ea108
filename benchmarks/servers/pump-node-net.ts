/** Sends blocks for as long as the client stays, the next one when the last is taken. */
import { Buffer } from 'node:buffer';
import { serveNodeNet } from './node-net.ts';
import { PUMP_BYTES } from './settings.ts';

const block = Buffer.alloc(PUMP_BYTES, 'pump');

serveNodeNet((client) => {
  const send = (): void =>
    void client.write(block, (error) => {
      if (!error) send();
    });
  send();
  client.resume();
});
