/** The contract's callbacks as promises, and what tests do all the time. Each promise settles with exactly one callback. */
import { Buffer } from 'node:buffer';
import type {
  AnyHandle,
  ConnectOptions,
  Endpoint,
  FileSource,
  NetworkError,
  NetworkPal,
  SendFileOptions,
  ServerHandle,
  ServerOptions,
  ServerSocket,
  SocketHandle,
  UdpSocket,
  WriteData,
} from '../../src/index.ts';
import type { Bed } from './beds.ts';
import { until } from './until.ts';

export function connect(
  pal: NetworkPal,
  address: string,
  port: number,
  options: ConnectOptions = {},
): Promise<SocketHandle> {
  return new Promise((resolve, reject) => {
    pal.asyncConnect(address, port, options, (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

export interface Accepted {
  readonly socket: SocketHandle;
  readonly peer: Endpoint;
}

export function accept(pal: NetworkPal, server: ServerHandle): Promise<Accepted> {
  return new Promise((resolve, reject) => {
    pal.asyncAccept(server, (error, socket, peer) => {
      if (error !== null) reject(error);
      else if (peer.address === '') reject(new Error('An accept without an error has no peer'));
      else resolve({ socket, peer });
    });
  });
}

/** Reads once into `buffer`; the number of bytes. */
export function readInto(
  pal: NetworkPal,
  socket: SocketHandle,
  buffer: Uint8Array,
  maxBytes = buffer.length,
): Promise<number> {
  return new Promise((resolve, reject) => {
    pal.asyncRead(socket, buffer, maxBytes, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}

/** Reads once; the bytes, none at the end of the stream. */
export async function read(pal: NetworkPal, socket: SocketHandle, maxBytes = 65536): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes);
  return buffer.subarray(0, await readInto(pal, socket, buffer));
}

/** Reads `length` bytes. Rejects when the stream ends before. */
export async function readExactly(pal: NetworkPal, socket: SocketHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const bytes = await readInto(pal, socket, buffer.subarray(filled));
    if (bytes === 0) throw new Error(`The stream ended after ${filled} of ${length} bytes`);
    filled += bytes;
  }
  return buffer;
}

/** Reads up to the end of the stream. */
export async function readToEnd(pal: NetworkPal, socket: SocketHandle): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await read(pal, socket);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

export function write(pal: NetworkPal, socket: SocketHandle, data: WriteData): Promise<number> {
  return new Promise((resolve, reject) => {
    pal.asyncWrite(socket, data, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}

export function sendFile(
  pal: NetworkPal,
  socket: SocketHandle,
  file: FileSource,
  options: SendFileOptions = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    pal.asyncSendFile(socket, file, options, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}

export function close(pal: NetworkPal, handle: AnyHandle): Promise<void> {
  return new Promise((resolve) => pal.closeSocket(handle, resolve));
}

export function reset(pal: NetworkPal, socket: SocketHandle): Promise<void> {
  return new Promise((resolve) => pal.resetSocket(socket, resolve));
}

/** SO_LINGER {1, 0}: makes an ordinary close send RST. */
export function setLingerZero(pal: NetworkPal, socket: SocketHandle): void {
  pal.setSocketOption(socket, 'Linger', { enabled: true, seconds: 0 });
}

/**
 * A port on which nothing listens: tcpmux, below the ports that systems choose from. A port that was just given back will
 * not do to be refused on: Linux, so Wine, may choose that very port for the connecting side, which then connects to itself.
 */
export const REFUSING_PORT = 1;

/** Below the ports that systems choose from: nobody is given one of them without asking for it. */
const UNCLAIMED = { first: 21_000, count: 8_000 } as const;

/** Any of them: other suites may run on this machine at the same time. */
export function someUnclaimedPort(): number {
  return UNCLAIMED.first + Math.floor(Math.random() * UNCLAIMED.count);
}

/**
 * A server on a port that nobody is given without asking for it. Where one must be refused on the other family, a port of
 * the system's choice will not do: there it is free, so it may be the connecting side's own.
 */
export function serverOnUnclaimedPort(
  pal: NetworkPal,
  address = '127.0.0.1',
  options: ServerOptions = {},
): ServerSocket {
  for (;;) {
    try {
      return pal.createServer(address, someUnclaimedPort(), options);
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
}

/** Another suite has the port, or Windows keeps the range that it is in (EACCES). */
export function isTaken(error: unknown): boolean {
  return ['EADDRINUSE', 'EACCES'].includes((error as NetworkError).code);
}

/**
 * What `make` binds to a port that has just been given up. Under Wine the port is in use until Wine's server has heard of
 * everything, a moment later.
 */
export async function onceFree<Made extends ServerSocket | UdpSocket>(make: () => Made, bed: Bed): Promise<Made> {
  if (!bed.real) return make();
  let made: Made | null = null;
  await until(
    () => {
      try {
        made = make();
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
      return made !== null;
    },
    () => 'the port to be free',
    bed,
  );
  return made as unknown as Made;
}

/** A port of the loopback address on which nobody is and which can be bound. */
export async function unusedPort(pal: NetworkPal, address = '127.0.0.1'): Promise<number> {
  const { handle, port } = serverOnUnclaimedPort(pal, address);
  await close(pal, handle);
  return port;
}

export interface Pair {
  readonly server: ServerSocket;
  /** The connecting side. */
  readonly client: SocketHandle;
  /** The accepting side. */
  readonly served: SocketHandle;
}

/** Two connected sockets, and the server that made them. */
export async function pair(
  pal: NetworkPal,
  serverOptions: ServerOptions = {},
  connectOptions: ConnectOptions = {},
): Promise<Pair> {
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1, ...serverOptions });
  const [client, { socket: served }] = await Promise.all([
    connect(pal, server.address, server.port, connectOptions),
    accept(pal, server.handle),
  ]);
  return { server, client, served };
}

/** Sends back whatever comes on one connection, until its end; then closes it. Resolves when it is closed. */
export async function echo(pal: NetworkPal, socket: SocketHandle): Promise<void> {
  for (;;) {
    const chunk = await read(pal, socket);
    if (chunk.length === 0) break;
    await write(pal, socket, chunk);
  }
  await close(pal, socket);
}
