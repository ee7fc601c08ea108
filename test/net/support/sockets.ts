/** What most tests of iocp-pal/net need: a server with one connection, and everything that a stream says. */
import { once } from 'node:events';
import type net from 'node:net';
import type { AddressInfo, NetConnectOpts, Server, ServerOpts, Socket } from 'node:net';

/** A server on the loopback interface that listens. */
export async function listening(module: typeof net, options: ServerOpts = {}): Promise<Server> {
  const server = module.createServer(options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

export interface Pair {
  readonly server: Server;
  readonly client: Socket;
  readonly served: Socket;
}

/** A connection: both ends of it, and the server, which has stopped listening. */
export async function pairOf(
  module: typeof net,
  { server: ofServer = {}, client: ofClient = {} }: { server?: ServerOpts; client?: Partial<NetConnectOpts> } = {},
): Promise<Pair> {
  const server = await listening(module, ofServer);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = module.connect({ port: portOf(server), host: '127.0.0.1', ...ofClient });
  const [[served]] = await Promise.all([accepted, once(client, 'connect')]);
  server.close();
  return { server, client, served };
}

/** Both ends of a connection are gone, and the server with them. */
export async function ended({ server, client, served }: Pair): Promise<void> {
  const closed = server.listening || (server as { _connections?: number })._connections !== 0;
  const gone = closed ? once(server, 'close') : Promise.resolve();
  const ends = [client, served].map((socket) => (socket.closed ? Promise.resolve() : once(socket, 'close')));
  client.destroy();
  served.destroy();
  await Promise.all([...ends, gone]);
}

/** Everything that comes, until the peer ends its side. */
export async function bytesOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Names of the events, in their order, as they come. */
export function eventsOf(emitter: NodeJS.EventEmitter, names: readonly string[]): string[] {
  const seen: string[] = [];
  for (const name of names) {
    emitter.on(name, (...args: unknown[]) =>
      seen.push(args.length > 0 && name === 'close' ? `close ${String(args[0])}` : name),
    );
  }
  return seen;
}

/** The error that it ends with. */
export async function failureOf(socket: NodeJS.EventEmitter): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => socket.once('error', resolve));
}
