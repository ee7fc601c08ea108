/**
 * Messages in a stream of bytes, each behind its length in four bytes, big-endian: framing.ts [port]
 *
 * A stream knows no messages: what was written at once may come in pieces, and what was written in pieces at once. This server
 * answers a message `[1, 2, 3]` with its sum, `6`.
 */
import { listen, type Connection } from '../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { stopSignal } from './stop-signal.ts';

/** Longer ones are refused before there is memory for them: the length is the peer's. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** For the whole of a message whose length has come. */
const MESSAGE_TIMEOUT_MS = 10_000;

/** The next message; null when the peer has ended the stream between two of them. */
async function readMessage(connection: Connection): Promise<Buffer | null> {
  const head = await connection.readExactly(4);
  if (head === null) return null;
  const length = head.readUInt32BE();
  if (length > MAX_MESSAGE_BYTES)
    throw new RangeError(`A message of ${length} bytes is refused: the limit is ${MAX_MESSAGE_BYTES}`);
  if (length === 0) return Buffer.alloc(0);
  const message = await connection.readExactly(length, { timeout: MESSAGE_TIMEOUT_MS });
  if (message === null) throw new Error(`The peer ended the stream where a message of ${length} bytes was to come`);
  return message;
}

async function writeMessage(connection: Connection, message: Uint8Array): Promise<void> {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(message.length);
  await connection.write([head, message]); // both in one call
}

async function serve(connection: Connection): Promise<void> {
  for (let message; (message = await readMessage(connection)) !== null;) {
    const numbers = JSON.parse(message.toString()) as number[];
    const sum = numbers.reduce((total, number) => total + number, 0);
    await writeMessage(connection, Buffer.from(JSON.stringify(sum)));
  }
}

const server = await listen({ port: Number(process.argv[2] ?? 7007), noDelay: true });
console.log(`sums on ${server.endpoint.address}:${server.port}`);
await server.serve(serve, {
  signal: stopSignal(),
  onError: (error, { remote }) => console.error(`${remote.address}:${remote.port}: ${String(error)}`), // its connection is reset
});
