/** Sends back what arrives, with iocp-pal/promises: chunk by chunk, or, as the peer promises-read, by reads into a buffer of its own. */
import process from 'node:process';
import { sharedPal } from '../../src/index.ts';
import { listen, type Connection } from '../../src/promises/index.ts';
import { report } from './control.ts';
import { BACKLOG } from './settings.ts';

/** As large as the largest chunk of an iteration. */
const BUFFER_BYTES = 65_536;

const echo = process.argv[2] === 'promises-read' ? echoOfBuffer : echoOfChunks;
let accepted = 0;
const server = await listen({ backlog: BACKLOG, noDelay: true });
report(server.port, () => ({ pinnedBytes: sharedPal().stats().pinnedBytes, accepted }));
await server.serve(async (connection) => {
  accepted++;
  await echo(connection);
});

async function echoOfChunks(connection: Connection): Promise<void> {
  for await (const chunk of connection) await connection.write(chunk);
}

async function echoOfBuffer(connection: Connection): Promise<void> {
  const buffer = Buffer.alloc(BUFFER_BYTES);
  for (;;) {
    const bytes = await connection.read(buffer);
    if (bytes === 0) return;
    await connection.write(buffer.subarray(0, bytes));
  }
}
