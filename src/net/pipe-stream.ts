/**
 * Node's own Socket under one of ours: on a pipe, when connect() was given the path of one, or on a descriptor or a native handle, when
 * an object of a class that inherits from ours was made with it. (net.connect(path) and new net.Socket({ fd }) give Node's own at
 * once; an object that is there already cannot become one.)
 */
import nodeNet from 'node:net';
import { state } from './socket-state.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { TcpSocket } from './socket.ts';
import type { DoneCallback } from './write-all.ts';

const NodeSocket = nodeNet.Socket;

/** Begins: the socket is `connecting`. */
export function connectToPipe(socket: TcpSocket, path: string): void {
  // The owner says when our side ends.
  const pipe = new NodeSocket({ allowHalfOpen: true });
  socket[state].stream = new PipeStream(socket, pipe);
  pipe.on('connect', () => socket._connected());
  pipe.connect({ path });
}

/** What TcpStream is for a connection. */
export class PipeStream {
  readonly #pipe: nodeNet.Socket;
  readonly #owner: TcpSocket;
  reading = false;
  bytesRead = 0;
  bytesWritten = 0;
  /** A pipe has no addresses. */
  readonly peer: Endpoint | undefined = undefined;
  readonly local: Endpoint | undefined = undefined;

  constructor(owner: TcpSocket, pipe: nodeNet.Socket) {
    this.#owner = owner;
    this.#pipe = pipe;
    this.#pipe.on('error', (error) => owner.destroy(error));
    this.#pipe.on('data', (chunk: Buffer) => this.#deliver(chunk));
    this.#pipe.on('end', () => {
      this.reading = false;
      owner.ended();
    });
    this.#pipe.pause();
  }

  /** Into the owner's own memory as much as it takes at a time. */
  #deliver(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && this.reading) {
      const memory = this.#owner.readBuffer() ?? rest;
      const bytes = Math.min(memory.length, rest.length);
      if (memory !== rest) memory.set(rest.subarray(0, bytes));
      rest = rest.subarray(bytes);
      this.bytesRead += bytes;
      if (!this.#owner.received(memory, bytes)) this.readStop();
    }
    if (rest.length > 0 && !this.#pipe.destroyed) this.#pipe.unshift(rest); // comes again when it is wanted
  }

  readStart(): void {
    this.reading = true;
    this.#pipe.resume();
  }

  readStop(): void {
    this.reading = false;
    this.#pipe.pause();
  }

  write(data: readonly Uint8Array[], bytes: number, done: DoneCallback): void {
    this.bytesWritten += bytes;
    this.#pipe.write(data.length === 1 ? (data[0] ?? '') : Buffer.concat(data), (error) => done(error ?? null));
  }

  get queuedBytes(): number {
    return this.#pipe.writableLength;
  }

  shutdown(done: DoneCallback): void {
    this.#pipe.end(() => done(null));
  }

  close(closed: () => void): void {
    this.reading = false;
    this.#pipe.once('close', closed).destroy();
  }

  /** A pipe has no RST. */
  reset(closed: () => void): void {
    this.close(closed);
  }

  ref(): void {
    this.#pipe.ref();
  }

  unref(): void {
    this.#pipe.unref();
  }

  /** Options of TCP, which Node.js ignores for pipes as well. */
  setNoDelay(): void {
    // Nothing is held back.
  }

  setKeepAlive(): void {
    // The other end is on this machine.
  }
}
