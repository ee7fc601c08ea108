/**
 * An echo server that strangers may connect to: every limit that the library has, and the two that are the owner's.
 *
 * What a connection may cost: a read into one shared buffer, and no more bytes in the queue than came with that read, since
 * the next read waits for its answer. What it may take in time: HEADER to say the first message, and each one that it has
 * begun; IDLE between two signs of life, where an answer that is not taken is none.
 */
import {
  createHeaderTimeout,
  createIdleTimeout,
  type NetworkError,
  type NetworkPal,
  type PalOptions,
  type ServerOptions,
  type ServerSocket,
  type SocketHandle,
} from '../../src/index.ts';

/** Milliseconds. */
export interface Patience {
  /** For a message, from its first byte (the first one: from the connection's beginning) to its last. */
  headerMs: number;
  /** Between two signs of life. */
  idleMs: number;
}

export interface GuardedServer {
  readonly server: ServerSocket;
  readonly counts: {
    accepted: number;
    /** Connections that took too long to say a message. */
    tooSlow: number;
    /** Connections that gave no sign of life. */
    tooQuiet: number;
    /** Connections of an address that had its share. */
    tooMany: number;
    /** Connections whose answer had no room in the queues of all together. */
    noRoom: number;
  };
}

/** Bytes of a message. */
export const MESSAGE_BYTES = 64;
/** Bytes that one read takes, and so that one connection queues, at most. */
export const READ_BYTES = 16_384;

/** What such a server asks of its PAL: tighter queues than the default, for messages that are this small. */
export const GUARDED_PAL: PalOptions = {
  maxQueuedBytesPerSocket: 65_536,
  maxQueuedBytes: 64 * 2 ** 20,
  closeGraceMs: 1000,
};

/**
 * Serves until the PAL stops.
 * @param options of createServer, on top of its own: the backlog, and how many connections an address may have.
 */
export function serveGuarded(
  pal: NetworkPal,
  { headerMs, idleMs }: Patience,
  options: Pick<ServerOptions, 'backlog' | 'maxConnectionsPerAddress'> = {},
): GuardedServer {
  const counts = { accepted: 0, tooSlow: 0, tooQuiet: 0, tooMany: 0, noRoom: 0 };
  const shared = Buffer.alloc(READ_BYTES);
  const header = createHeaderTimeout(pal, {
    ms: headerMs,
    onTimeout: (socket) => {
      counts.tooSlow++;
      end(socket);
    },
  });
  const idle = createIdleTimeout(pal, {
    ms: idleMs,
    onTimeout: (socket) => {
      counts.tooQuiet++;
      end(socket);
    },
  });
  const server = pal.createServer('127.0.0.1', 0, {
    ...options,
    noDelay: true,
    sendBufferSize: READ_BYTES,
    onLimit: () => {
      counts.tooMany++;
    },
  });

  /** Whoever broke a limit gets a RST: nothing is flushed to them, and no TIME_WAIT is left. */
  const end = (socket: SocketHandle): void => {
    header.stop(socket);
    idle.stop(socket);
    pal.resetSocket(socket);
  };
  const close = (socket: SocketHandle): void => {
    header.stop(socket);
    idle.stop(socket);
    pal.closeSocket(socket);
  };
  const echo = (socket: SocketHandle): void => {
    let own = Buffer.alloc(0);
    let begun = 0; // bytes of the message that is under way
    let timed = true; // the header limit runs: from the beginning on, and from the first byte of each message
    const read = (): void => void pal.asyncRead(socket, shared, READ_BYTES, arrived);
    const arrived = (error: Error | null, bytes: number): void => {
      if (error !== null || bytes === 0) return close(socket);
      idle.touch(socket);
      const total = begun + bytes;
      begun = total % MESSAGE_BYTES;
      if (total >= MESSAGE_BYTES) {
        header.stop(socket);
        timed = false;
      }
      if (begun > 0 && !timed) {
        header.touch(socket);
        timed = true;
      }
      if (own.length < bytes) own = Buffer.alloc(bytes);
      shared.copy(own, 0, 0, bytes);
      pal.asyncWrite(socket, own.length === bytes ? own : own.subarray(0, bytes), written);
    };
    const written = (error: NetworkError | null): void => {
      if (error?.code === 'ERR_WRITE_QUEUES_FULL') {
        // The queues of all connections together are full: those who do not read hold them, until their time is over.
        counts.noRoom++;
        return end(socket);
      }
      if (error !== null) return close(socket);
      idle.touch(socket);
      read();
    };
    header.touch(socket);
    idle.touch(socket);
    read();
  };
  const accept = (): void =>
    void pal.asyncAccept(server.handle, (error, client) => {
      if (error !== null) return; // the server was closed
      counts.accepted++;
      echo(client);
      accept();
    });
  accept();
  return { server, counts };
}
