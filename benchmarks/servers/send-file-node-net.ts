/** Sends a file, again and again, as a stream. */
import { createReadStream, type ReadStream } from 'node:fs';
import { serveNodeNet } from './node-net.ts';
import { makeSentFile } from './sent-file.ts';

const file = makeSentFile();

serveNodeNet((client) => {
  let stream: ReadStream | null = null;
  const send = (): void => {
    stream = createReadStream(file).on('end', send);
    stream.pipe(client, { end: false });
  };
  client.on('close', () => stream?.destroy());
  send();
  client.resume();
});
