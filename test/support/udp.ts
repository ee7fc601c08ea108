/** The calls on UDP sockets as promises. */
import { Buffer } from 'node:buffer';
import type { Destination, Endpoint, NetworkPal, UdpHandle } from '../../src/index.ts';
import { close, isTaken, someUnclaimedPort } from './io.ts';

export interface Received {
  /** What fitted into the buffer. */
  readonly data: Buffer;
  readonly peer: Endpoint | null;
  /** The datagram's own length. */
  readonly size: number;
}

/** Receives one datagram. */
export function receive(pal: NetworkPal, socket: UdpHandle, maxBytes = 65536): Promise<Received> {
  const buffer = Buffer.alloc(maxBytes);
  return new Promise((resolve, reject) => {
    pal.asyncReceiveFrom(socket, buffer, maxBytes, (error, bytes, peer, size) => {
      if (error === null) resolve({ data: buffer.subarray(0, bytes), peer, size });
      else reject(error);
    });
  });
}

/** Receives `count` datagrams, with all of the calls pending from the start. */
export function receiveMany(pal: NetworkPal, socket: UdpHandle, count: number, maxBytes = 2048): Promise<Received[]> {
  return Promise.all(Array.from({ length: count }, () => receive(pal, socket, maxBytes)));
}

/** Sends one datagram; the number of bytes that the system took. */
export function send(
  pal: NetworkPal,
  socket: UdpHandle,
  data: string | Uint8Array | readonly Uint8Array[],
  to: Destination | null,
): Promise<number> {
  return new Promise((resolve, reject) => {
    pal.asyncSendTo(socket, typeof data === 'string' ? Buffer.from(data) : data, to, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}

/** A port on which nobody is and which can be bound. */
export async function unclaimedPort(pal: NetworkPal, address = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = someUnclaimedPort();
    try {
      await close(pal, pal.createUdpSocket(address, port).handle);
      return port;
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
}
