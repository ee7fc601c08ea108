/**
 * What the promises stand on: callbacks on sockets, in the words of the PAL. There are two of it: the sockets of a PAL
 * (pal-sockets.ts), and elsewhere than on Windows those of Node.js (node-sockets.ts). test/promises runs on both.
 *
 * A callback may come inside the call that it was given to. Mistakes (an option that no call takes) are thrown.
 */
import type { Socket } from 'node:net';
import type { Destination, OutgoingDatagram, UdpOptions } from '../../pal/datagram.ts';
import type { FileSource, SendFileOptions } from '../../pal/file-transfer.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { BytesCallback, CloseOptions, ConnectOptions, ViewCallback, WriteData } from '../../pal/network-pal.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import type { ProxyHeader } from '../../pal/proxy-protocol.ts';
import type { ServerOptions } from '../../pal/server-options.ts';
import type { Scheduler } from '../../platform/platform.ts';

/** Where nobody says which: this machine, and nobody else's. */
export const DEFAULT_HOST = '127.0.0.1';

/** An end point, as the system names it. */
export function endpointOf(address = '', port = 0): Endpoint {
  return { address, port, family: address.includes(':') ? 6 : 4 };
}

/** Called once, when it is done, or with the error. */
export type DoneCallback = (error: NetworkError | null) => void;

/** A callback for each of `count` things that end, of which the last one calls back, with the first error. At once when there is none. */
export function whenAllAreDone(count: number, callback: DoneCallback): DoneCallback {
  let left = count;
  let first: NetworkError | null = null;
  if (left === 0) callback(null);
  return (error) => {
    first ??= error;
    left--;
    if (left === 0) callback(first);
  };
}

/** One side of a connection. Its calls are answered with ConnectionClosed when it is closed, here, before they end. */
export interface StreamSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** The PROXY header that it began with, which has said who the peer is. */
  readonly proxyHeader: ProxyHeader | null;
  /** Reads what is there into the start of `buffer`; 0 bytes at the end of the stream. One read at a time. Cancelled, it takes nothing. */
  read(buffer: Uint8Array, options: OperationOptions, callback: BytesCallback): void;
  /** The same without a buffer: the callback sees the bytes, and takes out what it needs. */
  readView(options: OperationOptions, callback: ViewCallback): void;
  /** Sends what can be sent at once, when nothing waits. Returns the number of bytes; the rest is still the caller's to write. */
  tryWrite(data: WriteData): number;
  /** Sends everything, in order. Taken back when a part of it has gone out, it breaks the stream: nothing can follow. */
  write(data: WriteData, options: OperationOptions, callback: BytesCallback): void;
  sendFile(file: FileSource, options: SendFileOptions, callback: BytesCallback): void;
  /** FIN behind what was written. */
  end(options: OperationOptions, callback: DoneCallback): void;
  /** Flushes what was written while its grace lasts, then FIN. Of a broken stream, or when the grace is over: RST. */
  close(options: CloseOptions, callback: () => void): void;
  reset(callback: () => void): void;
  /** Gives it away, with the bytes that the socket is to give first. Behind end() the socket cannot write. */
  toSocket(head: Uint8Array, canWrite: boolean): Promise<Socket>;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, idleSeconds: number | undefined): void;
  ref(): void;
  unref(): void;
}

/** Called once, with a connection or with the error. */
export type AcceptCallback = (error: NetworkError | null, stream: StreamSocket | null) => void;

/** A listening socket. */
export interface ListeningSocket {
  readonly endpoint: Endpoint;
  /** Takes the next connection. One call at a time. */
  accept(callback: AcceptCallback): void;
  /** Takes that back: it calls back with an error, or with a connection after all. */
  stopAccepting(): void;
  /** Stops listening; connections that nobody has taken are reset. */
  close(callback: () => void): void;
  ref(): void;
  unref(): void;
}

/** A datagram that has come. Its bytes are the receiver's. */
export interface ArrivedDatagram {
  readonly data: Buffer;
  readonly remote: Endpoint;
  readonly size: number;
}

/** Called once, with the error, or with one datagram or several that have come together. */
export type DatagramsCallback = (error: NetworkError | null, datagrams: readonly ArrivedDatagram[]) => void;

/** A UDP socket. */
export interface DatagramChannel {
  readonly endpoint: Endpoint;
  /** Takes the next datagrams. One call at a time. */
  receive(callback: DatagramsCallback): void;
  /** Takes that back: it calls back with an error, or with a datagram after all. */
  stopReceiving(): void;
  send(data: WriteData, to: Destination, options: OperationOptions, callback: DoneCallback): void;
  /** Sends all of them, in order; the first error is told when the last one is over. */
  sendMany(list: readonly OutgoingDatagram[], options: OperationOptions, callback: DoneCallback): void;
  close(callback: () => void): void;
  ref(): void;
  unref(): void;
}

/** Options of listen. */
export interface ListenOptions extends Omit<ServerOptions, 'deferAssociation' | 'spread'> {
  /** Address to listen at, as text, or 'localhost'. Default '127.0.0.1': this machine alone. '0.0.0.0' and '::' are every address. */
  host?: string | undefined;
  /** 0 … 65535. Default 0: the system chooses. */
  port?: number | undefined;
}

/** Options of connect. The timeout covers resolving the name and all attempts. */
export interface ConnectToOptions extends ConnectOptions {
  /** Address, or name, to connect to. Default '127.0.0.1'. */
  host?: string | undefined;
  /** 1 … 65535. */
  port: number;
}

/** Options of bindUdp. */
export interface BindUdpOptions extends UdpOptions {
  /** Address to bind to, as text. Default '127.0.0.1': this machine alone. '0.0.0.0' and '::' are every address. */
  host?: string | undefined;
  /** 0 … 65535. Default 0: the system chooses. */
  port?: number | undefined;
}

/** Where sockets come from. */
export interface NetworkSockets {
  /** The time in which these sockets live: a simulated network has its own. */
  readonly scheduler: Scheduler;
  listen(options: ListenOptions): Promise<ListeningSocket>;
  connect(options: ConnectToOptions): Promise<StreamSocket>;
  bindUdp(options: BindUdpOptions): Promise<DatagramChannel>;
  /** Zeroed memory that write() sends from where it lies. */
  allocateBuffer(bytes: number): Buffer;
}
