/** Client connections: plain node:net on the host, made to cost as little as possible. */
import { connect, type Socket } from 'node:net';

/** Attempts under way at a time: more only fill the backlog. */
const CONNECTING_AT_ONCE = 64;
/** A server that has not accepted by then is not going to. */
const CONNECT_TIMEOUT_MS = 20_000;

/** All connections read into this one: what arrives is only counted. */
const sink = Buffer.alloc(1024 * 1024);

/** Opens a connection that calls back with the number of bytes that arrived, each time some did. */
export function open(port: number, arrived: (bytes: number, socket: Socket) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: sink,
        callback: (bytes) => {
          arrived(bytes, socket);
          return true;
        },
      },
    });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      socket.destroy(new Error(`No connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** Opens `count` connections with a few attempts at a time. */
export async function openMany(count: number, openOne: () => Promise<Socket>): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const next = async (): Promise<void> => {
    while (started < count) {
      started++;
      sockets.push(await openOne());
    }
  };
  let started = 0;
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, next));
  return sockets;
}

/** Returns a function that throws once the server has ended one of the connections. */
export function watchForLoss(sockets: readonly Socket[]): () => void {
  let lost: Error | null = null;
  const onLoss = (error?: Error | boolean): void => {
    lost ??= new Error(`The server ended a connection${error instanceof Error ? `: ${error.message}` : ''}`);
  };
  for (const socket of sockets) socket.on('error', onLoss).on('close', onLoss);
  return () => {
    if (lost !== null) throw lost;
  };
}

/** Ends connections at once, without leaving them in TIME_WAIT, where they would use up the ports. */
export function dropAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.resetAndDestroy();
  }
}
