/** The server's side: sends back what it reads, until the client ends. */
import type { NetworkPal, ServerSocket, SocketHandle } from '../src/index.ts';

/** A read takes at most this many bytes; a longer message is echoed in parts. */
const MAX_READ_BYTES = 65536;

/** Opens a server on any port of the loopback address that serves everyone who connects. */
export function startEchoServer(pal: NetworkPal, backlog: number, messageBytes: number): ServerSocket {
  const server = pal.createServer('127.0.0.1', 0, { backlog, noDelay: true });
  const readBytes = Math.min(messageBytes, MAX_READ_BYTES);
  const accept = (): void => {
    pal.asyncAccept(server.handle, (error, client) => {
      if (error !== null) return; // the server was closed
      echo(pal, client, Buffer.alloc(readBytes));
      accept();
    });
  };
  accept();
  return server;
}

function echo(pal: NetworkPal, client: SocketHandle, buffer: Buffer): void {
  const read = (): void => {
    pal.asyncRead(client, buffer, buffer.length, (error, bytes) => {
      // Broken, or ended by the client. What was lost, the client notices.
      if (error !== null || bytes === 0) return pal.closeSocket(client);
      pal.asyncWrite(client, buffer.subarray(0, bytes), (failure) => {
        if (failure !== null) return pal.closeSocket(client);
        read();
      });
    });
  };
  read();
}
