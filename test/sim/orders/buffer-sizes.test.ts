/** SO_SNDBUF and SO_RCVBUF 0: the system keeps nothing, and everything passes all the same. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

/** Bytes of the stream: more than any buffer that 0 may stand for. */
const LENGTH = 20_000;

describe('buffers of 0 bytes', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`let a stream through, ${profile}`, async () => {
      const network = simulateNetwork({ seed: 2 });
      const platform = network.platform({ profile, keepAlive: true });
      const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
      pal.initialize();
      const ended = pal.runEventLoop();
      let received = 0;
      let outcome = '';
      const server = pal.createServer('127.0.0.1', 0, { receiveBufferSize: 0, sendBufferSize: 0 });
      pal.asyncAccept(server.handle, (_, served) => {
        expect(pal.getSocketOption(served, 'ReceiveBufferSize')).to.equal(0);
        const buffer = new Uint8Array(LENGTH);
        const readOn = (): void => {
          pal.asyncRead(served, buffer, LENGTH, (error, bytes) => {
            expect(error).to.equal(null);
            received += bytes;
            if (received < LENGTH) readOn();
          });
        };
        readOn();
      });
      const client = pal.asyncConnect('127.0.0.1', server.port, {}, () => {
        pal.setSocketOption(client, 'SendBufferSize', 0);
        expect(pal.getSocketOption(client, 'SendBufferSize')).to.equal(0);
        pal.asyncWrite(client, new Uint8Array(LENGTH), (error) => (outcome = error?.code ?? 'sent'));
      });
      await network.settle();
      expect({ received, outcome }).to.deep.equal({ received: LENGTH, outcome: 'sent' });
      void pal.stopEventLoop();
      await network.settle();
      await ended;
    });

    it(`let datagrams through, ${profile}`, async () => {
      const network = simulateNetwork({ seed: 2 });
      const platform = network.platform({ profile, keepAlive: true });
      const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
      pal.initialize();
      const ended = pal.runEventLoop();
      const options = { receiveBufferSize: 0, sendBufferSize: 0 };
      const [from, to] = [pal.createUdpSocket('127.0.0.1', 0, options), pal.createUdpSocket('127.0.0.1', 0, options)];
      const log: string[] = [];
      pal.asyncReceiveFrom(to.handle, new Uint8Array(10), 10, (_, bytes) => log.push(`received ${bytes}`));
      pal.asyncSendTo(from.handle, new Uint8Array(7), to, (error) => log.push(error?.code ?? 'sent'));
      await network.settle();
      expect(log).to.have.members(['sent', 'received 7']);
      void pal.stopEventLoop();
      await network.settle();
      await ended;
    });
  }
});
