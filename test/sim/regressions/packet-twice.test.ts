/**
 * A packet that came twice freed an operation that the kernel still had.
 *
 * The first packet ended a receive; its callback read on, and the same slot went out with the next WSARecv. The second
 * packet named that slot, its state was Submitted, its key was the socket's: it was believed, and the receive that the
 * kernel still had was answered, with an error 997 that no user can make sense of, and its buffer given to somebody else.
 * What gives such a packet away is OVERLAPPED.Internal, which is STATUS_PENDING until the operation has really ended.
 */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

describe('a packet that comes twice', () => {
  it('is counted and dropped, also when its slot is in use again', async () => {
    let dropped = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const network = simulateNetwork({ seed });
      const platform = network.platform({ faults: { duplicates: 2 } });
      const pal = createNetworkPal({ platform, maxOperations: 64 });
      pal.initialize();
      const ended = pal.runEventLoop();
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      let text = '';
      pal.asyncAccept(server.handle, (_, client) => {
        pal.closeSocket(server.handle);
        const buffer = new Uint8Array(16);
        const readOn = (): void => {
          pal.asyncRead(client, buffer, 16, (error, bytes) => {
            if (error !== null) throw error;
            text += Buffer.from(buffer.subarray(0, bytes)).toString();
            if (bytes > 0) readOn();
            else {
              dropped += pal.stats().droppedPackets;
              pal.closeSocket(client);
            }
          });
        };
        readOn();
      });
      pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => {
        let left = 5;
        const writeOn = (): void => {
          left--;
          if (left < 0) pal.closeSocket(socket);
          else pal.asyncWrite(socket, Buffer.from(`line ${left}\n`), writeOn);
        };
        writeOn();
      });
      await network.settle();
      await ended;
      expect(text, `seed ${seed}`).to.equal('line 4\nline 3\nline 2\nline 1\nline 0\n');
    }
    expect(dropped).to.be.above(0);
  });
});
