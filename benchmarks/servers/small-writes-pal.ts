/** Is told a number, and makes that many small writes; pauses at the high-water mark until all are taken, as a stream does. */
import { servePal } from './pal.ts';
import { HIGH_WATER_BYTES, SMALL_BYTES } from './settings.ts';

const data = Buffer.alloc(SMALL_BYTES, 's');

servePal((pal, client) => {
  const request = Buffer.alloc(4);
  let left = 0;
  let pending = 0;
  const write = (): void => {
    while (left > 0 && pending < HIGH_WATER_BYTES) {
      left--;
      pending += SMALL_BYTES;
      pal.asyncWrite(client, data, written);
    }
  };
  const written = (error: Error | null): void => {
    pending -= SMALL_BYTES;
    if (error !== null) left = 0;
    else if (pending === 0) write();
  };
  const read = (): void =>
    void pal.asyncRead(client, request, 4, (error, bytes) => {
      if (error !== null || bytes === 0) return pal.closeSocket(client);
      left = request.readUInt32LE(0);
      write();
      read();
    });
  read();
});
