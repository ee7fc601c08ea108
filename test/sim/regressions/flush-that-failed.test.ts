/**
 * A close whose flush failed ended with a FIN: the peer took what it had for everything.
 *
 * closeSocket() sends what is queued first. When a send failed for lack of resources (WSAENOBUFS: the connection itself
 * is fine), the queued writes were answered with the error, and then the socket was closed like any other. A flush that
 * runs out of its grace ends in RST for the same reason.
 */
import { expect } from 'chai';
import { STATUS_INSUFFICIENT_RESOURCES } from '../../../ffi/ntstatus.ts';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

describe('closeSocket with a flush that fails', () => {
  it('resets the connection', async () => {
    const plan = [{ operation: 'WSASend', nth: 1, status: STATUS_INSUFFICIENT_RESOURCES }] as const;
    const network = simulateNetwork({ seed: 0 });
    const platform = network.platform({ sendBufferSize: 100, receiveBufferSize: 100, faults: { plan } });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const log: string[] = [];
    pal.asyncAccept(server.handle, (_, client) => {
      // The first send fills the buffer, so that the second one waits, and fails.
      pal.asyncWrite(client, new Uint8Array(300), (error) => log.push(`first: ${error?.code ?? 'written'}`));
      pal.asyncWrite(client, new Uint8Array(300), (error) => log.push(`second: ${error?.code ?? 'written'}`));
      pal.closeSocket(client);
      pal.closeSocket(server.handle);
    });
    pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => {
      const buffer = new Uint8Array(16);
      const readOn = (): void => {
        pal.asyncRead(socket, buffer, 16, (error, bytes) => {
          if (bytes > 0) return readOn();
          log.push(`reader: ${error?.code ?? 'end of the stream'}`);
          pal.closeSocket(socket);
        });
      };
      readOn();
    });
    await network.settle();
    await ended;
    expect(log).to.deep.equal(['first: written', 'second: ENOBUFS', 'reader: ECONNRESET']);
  });
});
