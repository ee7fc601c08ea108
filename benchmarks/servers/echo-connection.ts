/** Sends back what arrives on one connection, with callbacks. */
import type { NetworkPal, SocketHandle } from '../../src/index.ts';

/** All connections of a loop read into this one: a callback has its bytes to itself until it returns. So idle ones hold none. */
const shared = Buffer.alloc(65536);

export function serveEcho(pal: NetworkPal, client: SocketHandle): void {
  let own = Buffer.alloc(0);
  const read = (): void => void pal.asyncRead(client, shared, shared.length, arrived);
  const arrived = (error: Error | null, bytes: number): void => {
    if (error !== null || bytes === 0) return pal.closeSocket(client);
    if (own.length < bytes) own = Buffer.alloc(bytes);
    shared.copy(own, 0, 0, bytes);
    pal.asyncWrite(client, own.length === bytes ? own : own.subarray(0, bytes), written);
  };
  const written = (error: Error | null): void => {
    if (error !== null) return pal.closeSocket(client);
    read();
  };
  read();
}

/** The same with memory of its own for whatever comes, as somebody needs it who keeps what he gets. */
export function serveChunks(pal: NetworkPal, client: SocketHandle): void {
  const read = (): void => void pal.asyncReadView(client, arrived);
  const arrived = (error: Error | null, view: Uint8Array): void => {
    if (error !== null || view.length === 0) return pal.closeSocket(client);
    pal.asyncWrite(client, Buffer.from(view), written);
  };
  const written = (error: Error | null): void => {
    if (error !== null) return pal.closeSocket(client);
    read();
  };
  read();
}
