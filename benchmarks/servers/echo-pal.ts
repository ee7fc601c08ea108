/** Sends back what arrives. */
import type { NetworkPal, SocketHandle } from '../../src/index.ts';
import { servePal } from './pal.ts';

/** All connections read into this one: a callback has its bytes to itself until it returns. So idle ones hold none. */
const shared = Buffer.alloc(65536);

servePal((pal: NetworkPal, client: SocketHandle) => {
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
});
