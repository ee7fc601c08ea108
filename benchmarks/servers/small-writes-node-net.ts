/** Is told a number, and makes that many small writes; pauses at the high-water mark, as every writer to a stream should. */
import { Buffer } from 'node:buffer';
import { serveNodeNet } from './node-net.ts';
import { HIGH_WATER_BYTES, SMALL_BYTES } from './settings.ts';

const data = Buffer.alloc(SMALL_BYTES, 's');

serveNodeNet(
  (client) => {
    let left = 0;
    const write = (): void => {
      while (left > 0) {
        left--;
        if (!client.write(data)) return;
      }
    };
    client.on('drain', write);
    client.on('data', (request) => {
      left = request.readUInt32LE(0);
      write();
    });
  },
  { highWaterMark: HIGH_WATER_BYTES },
);
