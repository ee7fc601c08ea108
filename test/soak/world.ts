/** What the sessions of a soak share: two PALs, a way to read and write that compares every byte, and the time limits. */
import { Buffer } from 'node:buffer';
import {
  createIdleTimeout,
  NetworkError,
  type NetworkPal,
  type ServerSocket,
  type SocketHandle,
  type SocketTimeout,
  type UdpSocket,
} from '../../src/index.ts';
import { streamBytes } from '../sim/support/pattern.ts';
import { readInto, write } from '../support/io.ts';
import type { SoakFile } from './files.ts';
import type { RemoteWriter } from './remote-writer.ts';

/** Silence on a connection after which it is given up, as a server should: a FIN whose shutdown failed never comes. */
const IDLE_MS = 4000;

/** The stream ended before all of its bytes had come: what an injected failure on the other side looks like from here. */
export class EndedEarly extends Error {}

/** The codes that an injected failure may end a session with. Whatever else comes is a failure of the soak. */
const TOLERATED = new Set([
  'EADDRINUSE',
  'ECANCELED',
  'ECONNABORTED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOBUFS',
  'ENOTCONN',
  'EPIPE',
  'ERR_SOCKET_CLOSED',
  'ETIMEDOUT',
]);

/** An error that a session may end with when calls are made to fail. */
export function isTolerated(error: unknown): boolean {
  return error instanceof EndedEarly || (error instanceof NetworkError && TOLERATED.has(error.code));
}

/** One PAL with its time limit, and what it has seen. */
export class SoakPal {
  readonly pal: NetworkPal;
  readonly idle: SocketTimeout;
  bytesVerified = 0;

  constructor(pal: NetworkPal) {
    this.pal = pal;
    this.idle = createIdleTimeout(pal, { ms: IDLE_MS, onTimeout: (socket) => pal.resetSocket(socket) });
  }

  /** Closes and waits until it is closed. */
  close(socket: SocketHandle): Promise<void> {
    this.idle.stop(socket);
    return new Promise((resolve) => this.pal.closeSocket(socket, resolve));
  }

  /** Closes with RST. */
  reset(socket: SocketHandle): Promise<void> {
    this.idle.stop(socket);
    return new Promise((resolve) => this.pal.resetSocket(socket, resolve));
  }

  /** Reads once. */
  async read(socket: SocketHandle, buffer: Uint8Array): Promise<number> {
    this.idle.touch(socket);
    const bytes = await readInto(this.pal, socket, buffer);
    this.idle.touch(socket);
    return bytes;
  }

  /** Reads `length` bytes of a stream from `offset` on, compares them, and rejects when the stream ends before. */
  async receive(socket: SocketHandle, stream: number, offset: number, length: number, buffer: Buffer): Promise<void> {
    let got = 0;
    while (got < length) {
      const bytes = await this.read(socket, buffer.subarray(0, Math.min(buffer.length, length - got)));
      if (bytes === 0) throw new EndedEarly(`The stream ended after ${got} of ${length} bytes`);
      this.compare(buffer.subarray(0, bytes), stream, offset + got);
      got += bytes;
    }
  }

  /** Waits for the end of the stream, where nothing else may come. */
  async receiveEnd(socket: SocketHandle): Promise<void> {
    const bytes = await this.read(socket, Buffer.alloc(64));
    if (bytes !== 0) throw new Error(`${bytes} bytes came after the last one`);
  }

  async send(socket: SocketHandle, data: Uint8Array | readonly Uint8Array[]): Promise<void> {
    this.idle.touch(socket);
    await write(this.pal, socket, data);
    this.idle.touch(socket);
  }

  /** Throws unless these are the bytes of the stream. */
  compare(bytes: Uint8Array, stream: number, offset: number): void {
    const expected = streamBytes(stream, offset, bytes.length);
    if (Buffer.compare(bytes, expected) !== 0) {
      const at = bytes.findIndex((byte, index) => byte !== expected[index]);
      throw new Error(
        `Byte ${offset + at} of stream ${stream} is ${bytes[at] ?? 0} and should be ${expected[at] ?? 0}: corruption`,
      );
    }
    this.bytesVerified += bytes.length;
  }
}

/** Both sides. */
export interface World {
  readonly server: SoakPal;
  readonly client: SoakPal;
  /** Serves wishes. */
  readonly listening: ServerSocket;
  /** Serves wishes too, on the other side's loop: what it accepts goes there. */
  readonly transferring: ServerSocket;
  /** The same, as if the other side were another process. */
  readonly exporting: ServerSocket;
  /** Answers each datagram with the same. */
  readonly datagrams: UdpSocket;
  /** What is sent as a file. */
  readonly file: SoakFile;
  /** Another thread, that writes to the client's connections. */
  readonly writer: RemoteWriter;
  /** Notes what must not happen. */
  fail(what: string): void;
}

/** Notes an error, unless an injected failure explains it. */
export function failUnlessTolerated(world: Pick<World, 'fail'>, what: string, error: unknown): void {
  if (isTolerated(error)) return;
  world.fail(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}
