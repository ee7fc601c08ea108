/** Sends blocks for as long as the client stays, the next one when the last is taken. */
import { servePal } from './pal.ts';
import { PUMP_BYTES } from './settings.ts';

let block: Buffer | null = null;

servePal((pal, client) => {
  // Node sends a Buffer from where it lies; so does the PAL with one of its own.
  const data = (block ??= pal.allocateBuffer(PUMP_BYTES).fill('pump'));
  const send = (): void => void pal.asyncWrite(client, data, sent);
  const sent = (error: Error | null): void => (error === null ? send() : pal.closeSocket(client));
  send();
});
