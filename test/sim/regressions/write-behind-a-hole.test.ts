/**
 * A write followed one that had failed, and the peer took its bytes for those that were missing.
 *
 * A send that fails without breaking the connection (WSAENOBUFS) answers all queued writes with the error, in the next
 * turn. A write that was made before that turn, by a user who could not know, was sent: behind a hole.
 */
import { expect } from 'chai';
import { WSAENOBUFS } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

describe('a write after one that failed', () => {
  it('fails too, and nothing of it is sent', async () => {
    const plan = [{ call: 'WSASend', nth: 1, code: WSAENOBUFS }] as const;
    const platform = simulatePlatform({ seed: 0, keepAlive: true, faults: { plan } });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const log: string[] = [];
    pal.asyncAccept(server.handle, (_, client) => {
      const write = (text: string): void => {
        pal.asyncWrite(client, Buffer.from(text), (error) => log.push(`${text}: ${error?.code ?? 'written'}`));
      };
      // Another callback of the turn in which the failure is met: it comes before the write's own.
      pal.closeSocket(server.handle, () => write('second'));
      write('first');
    });
    pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => {
      pal.asyncRead(socket, new Uint8Array(16), 16, (error, bytes) => log.push(`read ${error?.code ?? bytes}`));
    });
    await platform.settle();
    expect(log).to.include('first: ENOBUFS').and.to.include('second: ENOBUFS');
    expect(log).to.not.include('read 6');
    void pal.stopEventLoop();
    await platform.settle();
    await ended;
  });
});
