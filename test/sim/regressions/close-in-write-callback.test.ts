/**
 * closeSocket() inside a write's callback threw "Socket … is not in the table: removed twice".
 *
 * The send's packet was dispatched, its slot released, the write's callback run; that closed the socket, and since nothing
 * was in flight any more it was closed on the spot. Back from the callback, the writer looked once more whether a close
 * could go on, found one, and finished it a second time: closesocket on a number that somebody else might have by then,
 * and the exception in a turn of the loop.
 */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

describe('closeSocket in a write callback', () => {
  it('closes once, and calls back once', async () => {
    const platform = simulatePlatform({ seed: 1 });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    let closed = 0;
    pal.asyncAccept(server.handle, (_, client) => {
      pal.asyncWrite(client, Buffer.from('bye'), () => {
        pal.closeSocket(client, () => closed++);
      });
      pal.closeSocket(server.handle);
    });
    pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => {
      pal.closeSocket(socket);
    });
    const ended = pal.runEventLoop();
    await platform.settle();
    await ended;
    expect(closed).to.equal(1);
  });
});
