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

/** What is true of a socket or not, one bit each: a boolean takes 8 bytes of every socket. */
const Flag = { NoDelay: 1, Unreferenced: 2, Resetting: 4 } as const;

export class SocketState {
  /** The connection: from the first attempt to the end. */
  stream: SocketStream | null = null;
  /** While it is being connected: ends the attempts. */
  cancelConnect: (() => void) | null = null;
  userBuffer: UserBuffer | null = null;
  timer: NodeJS.Timeout | null = null;
  /** What was in the queue when the timer was looked at last. */
  lastQueued = 0;
  /** Seconds of silence before the first probe, 0 for the system's default; null without probes. */
  keepAlive: number | null = null;
  /** Bytes of a write that waits for the connection. */
  pendingBytes = 0;
  /** The connection that has ended, which is asked for what it was. */
  former: SocketStream | null = null;
  /** (Not a private field, which a frozen object would let others change.) */
  flags = 0;

  get noDelay(): boolean {
    return (this.flags & Flag.NoDelay) !== 0;
  }

  set noDelay(value: boolean) {
    this.flags = value ? this.flags | Flag.NoDelay : this.flags & ~Flag.NoDelay;
  }

  get referenced(): boolean {
    return (this.flags & Flag.Unreferenced) === 0;
  }

  set referenced(value: boolean) {
    this.flags = value ? this.flags & ~Flag.Unreferenced : this.flags | Flag.Unreferenced;
  }

  /** Ends with RST. */
  get resetting(): boolean {
    return (this.flags & Flag.Resetting) !== 0;
  }

  set resetting(value: boolean) {
    this.flags = value ? this.flags | Flag.Resetting : this.flags & ~Flag.Resetting;
  }
}
