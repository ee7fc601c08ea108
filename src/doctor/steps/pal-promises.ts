/** The calls of a PAL as promises, for the self-test. What a step leaves open, the stop of its PAL closes. */
import type { Destination } from '../../pal/datagram.ts';
import type { Endpoint, ServerHandle, SocketHandle, UdpHandle } from '../../pal/handles.ts';
import { NetworkError } from '../../pal/network-error.ts';
import type { NetworkPal } from '../../pal/network-pal.ts';

export const LOOPBACK = '127.0.0.1';

/** The outcome of a call, which `start` begins. */
export function outcomeOf<Value>(
  start: (callback: (error: NetworkError | null, value: Value) => void) => unknown,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

export function connect(pal: NetworkPal, port: number): Promise<SocketHandle> {
  return outcomeOf((callback) => pal.asyncConnect(LOOPBACK, port, { noDelay: true }, callback));
}

export function accept(pal: NetworkPal, server: ServerHandle): Promise<SocketHandle> {
  return outcomeOf((callback) => pal.asyncAccept(server, callback));
}

async function connectedPair(pal: NetworkPal): Promise<[SocketHandle, SocketHandle]> {
  const server = pal.createServer(LOOPBACK, 0, { noDelay: true });
  const pair = await Promise.all([accept(pal, server.handle), connect(pal, server.port)]);
  pal.closeSocket(server.handle);
  return pair;
}

/** Has a step use both ends of a connection: the accepted one first. Closes them when the step has succeeded. */
export async function withPair(
  pal: NetworkPal,
  use: (server: SocketHandle, client: SocketHandle) => Promise<string>,
): Promise<string> {
  const [server, client] = await connectedPair(pal);
  const seen = await use(server, client);
  pal.closeSocket(server);
  pal.closeSocket(client);
  return seen;
}

export function write(pal: NetworkPal, socket: SocketHandle, data: Uint8Array): Promise<number> {
  return outcomeOf((callback) => pal.asyncWrite(socket, data, callback));
}

/** One read: an empty buffer is the end of the stream. */
export async function read(pal: NetworkPal, socket: SocketHandle, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes);
  return buffer.subarray(0, await outcomeOf<number>((callback) => pal.asyncRead(socket, buffer, maxBytes, callback)));
}

/** Reads until so many bytes have come, or the stream has ended before. */
export async function readExactly(pal: NetworkPal, socket: SocketHandle, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let left = bytes; left > 0;) {
    const part = await read(pal, socket, Math.min(left, 65536));
    if (part.length === 0) break;
    parts.push(part);
    left -= part.length;
  }
  return Buffer.concat(parts);
}

export function sendTo(pal: NetworkPal, socket: UdpHandle, data: Uint8Array, to: Destination): Promise<number> {
  return outcomeOf((callback) => pal.asyncSendTo(socket, data, to, callback));
}

/** One datagram with its sender; null when none has come within so many milliseconds. */
export function receiveFrom(
  pal: NetworkPal,
  socket: UdpHandle,
  ms: number,
): Promise<{ data: Buffer; peer: Endpoint } | null> {
  const buffer = Buffer.alloc(2048);
  return new Promise((resolve, reject) => {
    pal.asyncReceiveFrom(socket, buffer, buffer.length, { timeout: ms }, (error, bytes, peer) => {
      if (error === null) resolve({ data: buffer.subarray(0, bytes), peer });
      else if (error.code === 'ETIMEDOUT') resolve(null);
      else reject(error);
    });
  });
}

/** The error that a call ends with, which is what its step waits for. */
export async function errorOf(promise: Promise<unknown>, what: string): Promise<NetworkError> {
  const outcome: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof NetworkError) return outcome;
  if (outcome instanceof Error) throw outcome;
  throw new Error(`${what} succeeded, and should have failed`);
}
