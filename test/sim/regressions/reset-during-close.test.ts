/**
 * A resetSocket that came while closeSocket awaited its packets sent no RST.
 *
 * SO_LINGER {1, 0} was set before the operations were cancelled, and only then: a close that had cancelled them already
 * went on to its closesocket as a close. It is set right before closesocket now.
 */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { SO_LINGER, SOL_SOCKET } from '../../../ffi/constants.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

describe('resetSocket after closeSocket', () => {
  it('still sets SO_LINGER {1, 0}', async () => {
    const network = simulateNetwork({ seed: 0, trace: true });
    const pal = createNetworkPal({ platform: network.platform(), strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const log: string[] = [];
    pal.asyncAccept(server.handle, (_, client) => {
      pal.asyncRead(client, new Uint8Array(1), 1, (error) => log.push(`read: ${error?.code ?? 'done'}`));
      pal.closeSocket(client, () => log.push('closed'));
      pal.resetSocket(client, () => log.push('reset'));
      pal.closeSocket(server.handle);
    });
    pal.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
      if (error === null) pal.closeSocket(socket);
    });
    await network.settle();
    await ended;
    expect(log.slice(0, 3)).to.deep.equal(['read: ECANCELED', 'closed', 'reset']);
    const lingers = network.trace().match(new RegExp(`setsockopt\\(\\d+, ${SOL_SOCKET}, ${SO_LINGER},`, 'g'));
    expect(lingers).to.have.lengthOf(1);
  });
});
