/** What a Socket knows beside what its Duplex and Node's public properties say. */
import type { PipeStream } from './pipe-stream.ts';
import type { TcpStream } from './tcp-stream.ts';

/** The `onread` option: bytes go into the user's own memory, and to a function of his instead of 'data'. */
export interface UserBuffer {
  buffer: Uint8Array | null;
  /** Gives the memory for the next bytes, where it is not the same all the time. */
  readonly next: (() => unknown) | null;
  readonly callback: (this: unknown, bytes: number, buffer: Uint8Array) => unknown;
}

/** The key under which a Socket holds it. Sockets are functions' objects, which have no private fields. */
export const state = Symbol('iocp-pal socket');

/** What a Socket is on. */
export type SocketStream = TcpStream | PipeStream;

export class SocketState {
  /** The connection: from the first attempt to the end. */
  stream: SocketStream | null = null;
  /** While it is being connected: ends the attempts. */
  cancelConnect: (() => void) | null = null;
  userBuffer: UserBuffer | null = null;
  timer: NodeJS.Timeout | null = null;
  /** What was in the queue when the timer was looked at last. */
  lastQueued = 0;
  noDelay = false;
  /** Seconds of silence before the first probe, 0 for the system's default; null without probes. */
  keepAlive: number | null = null;
  referenced = true;
  /** Ends with RST. */
  resetting = false;
  /** Bytes of a write that waits for the connection. */
  pendingBytes = 0;
  /** The connection that has ended, which is asked for what it was. */
  former: SocketStream | null = null;
}
