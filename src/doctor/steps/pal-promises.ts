/** The calls of a PAL as promises, for the self-test. What a step leaves open, the stop of its PAL closes. */
import type { Destination } from '../../pal/datagram.ts';
import type { Endpoint, ServerHandle, SocketHandle, UdpHandle } from '../../pal/handles.ts';
import { NetworkError } from '../../pal/network-error.ts';
import type { NetworkPal } from '../../pal/network-pal.ts';

export const LOOPBACK = '127.0.0.1';

export function connect(pal: NetworkPal, port: number): Promise<SocketHandle> {
  return new Promise((resolve, reject) => {
    pal.asyncConnect(LOOPBACK, port, { noDelay: true }, (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

export function accept(pal: NetworkPal, server: ServerHandle): Promise<SocketHandle> {
  return new Promise((resolve, reject) => {
    pal.asyncAccept(server, (error, client) => {
      if (error === null) resolve(client);
      else reject(error);
    });
  });
}

export async function connectedPair(pal: NetworkPal): Promise<[SocketHandle, SocketHandle]> {
  const server = pal.createServer(LOOPBACK, 0, { noDelay: true });
  const pair = await Promise.all([accept(pal, server.handle), connect(pal, server.port)]);
  pal.closeSocket(server.handle);
  return pair;
}

export function write(pal: NetworkPal, socket: SocketHandle, data: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    pal.asyncWrite(socket, data, settle(resolve, reject));
  });
}

/** One read: an empty buffer is the end of the stream. */
export function read(pal: NetworkPal, socket: SocketHandle, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes);
  return new Promise((resolve, reject) => {
    pal.asyncRead(socket, buffer, maxBytes, (error, bytes) => {
      if (error === null) resolve(buffer.subarray(0, bytes));
      else reject(error);
    });
  });
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
  return new Promise((resolve, reject) => {
    pal.asyncSendTo(socket, data, to, settle(resolve, reject));
  });
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

function settle(resolve: (bytes: number) => void, reject: (error: Error) => void) {
  return (error: NetworkError | null, bytes: number): void => {
    if (error === null) resolve(bytes);
    else reject(error);
  };
}
