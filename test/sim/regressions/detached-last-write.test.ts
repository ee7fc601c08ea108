/**
 * No FIN after a last write whose buffer was detached.
 *
 * shutdown('send') with writes queued sends the FIN behind the last of them. When that one could not be sent, because
 * its buffer had been transferred meanwhile, it was answered with an error and nobody thought of the FIN: the peer
 * waited for the end of the stream for ever.
 */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

describe("shutdown('send') behind a write whose buffer was detached", () => {
  it('still sends the FIN', async () => {
    const platform = simulatePlatform({ seed: 0, keepAlive: true });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const log: string[] = [];
    pal.asyncAccept(server.handle, (_, client) => {
      const lost = new Uint8Array(100);
      pal.asyncWrite(client, Buffer.from('first'), () => log.push('first written'));
      pal.asyncWrite(client, lost, (error) => log.push(`second: ${error?.code ?? 'written'}`));
      structuredClone(lost, { transfer: [lost.buffer] });
      pal.shutdown(client, 'send');
    });
    pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => {
      const buffer = new Uint8Array(16);
      const readOn = (): void => {
        pal.asyncRead(socket, buffer, 16, (_error, bytes) => {
          log.push(`read ${bytes}`);
          if (bytes > 0) readOn();
        });
      };
      readOn();
    });
    await platform.settle();
    expect(log).to.include('second: ERR_BUFFER_DETACHED');
    expect(log.at(-1)).to.equal('read 0');
    void pal.stopEventLoop();
    await platform.settle();
    await ended;
  });
});
