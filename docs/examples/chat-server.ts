/**
 * What one says, all others hear: chat-server.ts [port] [drop | disconnect]
 *
 * Nobody waits for a slow reader, and nobody's queue grows without an end: beyond its limit, what he would hear is dropped, or he is
 * disconnected. Try it with several `echo-client.ts`.
 */
import { listen, type Connection } from '../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { stopSignal } from './stop-signal.ts';

/** Bytes that may wait for one reader, on top of the 64 KiB with which write() is done. */
const MAX_QUEUED_BYTES = 256 * 1024;
const MAX_LINE_BYTES = 4096;

const [port = '7007', slowReaders = 'drop'] = process.argv.slice(2);

class Member {
  readonly name: string;
  readonly #connection: Connection;
  #queuedBytes = 0;
  #dropped = 0;

  constructor(connection: Connection) {
    this.name = `guest ${connection.remote.port}`;
    this.#connection = connection;
  }

  /** Does not wait: the queue is the connection's, and only its length is looked at. */
  tell(text: string): void {
    const missed = this.#dropped === 0 ? '' : `(${this.#dropped} lines were dropped: you read too slowly)\n`;
    const bytes = Buffer.from(missed + text);
    if (this.#queuedBytes + bytes.length > MAX_QUEUED_BYTES) {
      if (slowReaders === 'disconnect') void this.#connection.reset();
      else this.#dropped++;
      return;
    }
    this.#dropped = 0;
    this.#queuedBytes += bytes.length;
    const sent = (): void => void (this.#queuedBytes -= bytes.length);
    this.#connection.write(bytes).then(sent, sent); // who has gone away is told so by his own loop below
  }
}

const members = new Set<Member>();

async function chat(connection: Connection): Promise<void> {
  const member = new Member(connection);
  members.add(member);
  try {
    for await (const line of connection.lines({ limit: MAX_LINE_BYTES })) {
      for (const other of members) if (other !== member) other.tell(`${member.name}: ${line}\n`);
    }
  } finally {
    members.delete(member);
  }
}

const server = await listen({ port: Number(port), noDelay: true });
console.log(`chat server on ${server.endpoint.address}:${server.port}`);
await server.serve(chat, { signal: stopSignal(), maxConnections: 1000 });
