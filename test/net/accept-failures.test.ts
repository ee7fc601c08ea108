/** A server some of whose accepts fail: it goes on, with pauses, and nobody is told. (node:net on Windows stops where it gets no socket for the next.) */
import { once } from 'node:events';
import { expect } from 'chai';
import { STATUS_CONNECTION_RESET, STATUS_INSUFFICIENT_RESOURCES } from '../../ffi/ntstatus.ts';
import { WSAECONNRESET, WSAEMFILE, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import { createNetworkPal } from '../../src/index.ts';
import { windowsNet as net } from '../../src/net/windows-net.ts';
import { useThreadPal } from '../../src/node-shape/thread-pal.ts';
import { simulateNetwork, type PlannedFault } from '../../src/sim/index.ts';
import { bytesOf, listening, portOf } from './support/sockets.ts';

const CONNECTIONS = 5;

/** The first uses of a call, or the first packets. */
const firstThree = (fault: (nth: number) => PlannedFault): PlannedFault[] => [1, 2, 3].map(fault);

describe('net, a server whose accepts fail', () => {
  for (const [what, plan] of [
    ['for lack of a socket', firstThree((nth) => ({ call: 'WSASocketW', nth: nth + 3, code: WSAEMFILE }))], // behind the listening one
    ['for lack of memory', firstThree((nth) => ({ call: 'AcceptEx', nth, code: WSAENOBUFS }))],
    ['since the peer has gone', firstThree((nth) => ({ call: 'AcceptEx', nth, code: WSAECONNRESET }))],
    ['in their packets', firstThree((nth) => ({ operation: 'AcceptEx', nth, status: STATUS_INSUFFICIENT_RESOURCES }))],
    [
      'in packets of peers that have gone',
      firstThree((nth) => ({ operation: 'AcceptEx', nth, status: STATUS_CONNECTION_RESET })),
    ],
  ] as const)
    it(`${what} goes on accepting`, async () => {
      const network = simulateNetwork({ seed: 1 });
      const undrive = network.drive();
      const platform = network.platform({ keepAlive: true, faults: { plan } });
      const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
      pal.initialize();
      const running = pal.runEventLoop();
      useThreadPal(pal);
      const errors: unknown[] = [];
      let served = 0;
      const server = await listening(net);
      server.on('error', (error) => errors.push(error));
      server.on('connection', (socket) => {
        served++;
        socket.on('error', () => undefined).end('served');
      });
      while (served < CONNECTIONS) {
        // Those whose accept has failed are reset.
        const client = net.connect(portOf(server), '127.0.0.1');
        await bytesOf(client).catch(() => undefined);
      }
      expect(platform.faults?.met).to.equal(3);
      expect([server.listening, errors]).to.deep.equal([true, []]);
      server.close();
      await once(server, 'close');
      useThreadPal(null);
      await pal.stopEventLoop();
      await running;
      undrive();
    });
});
