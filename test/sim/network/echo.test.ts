/** The smallest whole run: two processes, one echo, on every profile, with and without skipped packets. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulateNetwork, type ProfileName } from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const TEXT = 'a simulated hello';

function echoOnce(pal: NetworkPal): number {
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 2 });
  pal.asyncAccept(server.handle, (_, client) => {
    const buffer = new Uint8Array(64);
    const readOn = (): void => {
      pal.asyncRead(client, buffer, 64, (error, bytes) => {
        if (error !== null || bytes === 0) return pal.closeSocket(client);
        pal.asyncWrite(client, buffer.slice(0, bytes), readOn);
      });
    };
    readOn();
    pal.closeSocket(server.handle);
  });
  return server.port;
}

function talk(pal: NetworkPal, port: number, received: (text: string) => void): SocketHandle {
  return pal.asyncConnect('127.0.0.1', port, {}, (_, socket) => {
    let text = '';
    const buffer = new Uint8Array(64);
    pal.asyncWrite(socket, Buffer.from(TEXT), () => {
      pal.shutdown(socket, 'send');
    });
    const readOn = (): void => {
      pal.asyncRead(socket, buffer, 64, (error, bytes) => {
        if (error !== null) throw error;
        text += Buffer.from(buffer.subarray(0, bytes)).toString();
        if (bytes > 0) return readOn();
        received(text);
        pal.closeSocket(socket);
      });
    };
    readOn();
  });
}

describe('a simulated network', () => {
  for (const profile of ['windows', 'wine'] satisfies ProfileName[]) {
    for (const skipCompletionPortOnSuccess of [false, true]) {
      for (const waiter of ['worker', 'inline'] as const) {
        const skips = skipCompletionPortOnSuccess ? ', skipping packets' : '';
        it(`carries an echo between two processes (${profile}, ${waiter}${skips})`, async () => {
          for (let seed = 0; seed < 50; seed++) {
            const network = simulateNetwork({ seed });
            const platforms = [network.platform({ profile }), network.platform({ profile })] as const;
            const pals = platforms.map((platform) =>
              createNetworkPal({ platform, waiter, skipCompletionPortOnSuccess, strict: true, maxOperations: 64 }),
            );
            const [server, client] = pals;
            if (server === undefined || client === undefined) throw new Error('unreachable');
            for (const pal of pals) pal.initialize();
            let text = '';
            const port = echoOnce(server);
            talk(client, port, (received) => (text = received));
            const ended = Promise.all(pals.map((pal) => pal.runEventLoop()));
            await network.settle();
            await ended;
            expect(text, `seed ${seed}`).to.equal(TEXT);
            for (const platform of platforms) {
              expectNothingLeft(platform, `seed ${seed}`);
            }
          }
        });
      }
    }
  }

  it('replays a run exactly from its seed', async () => {
    const traces: string[] = [];
    for (let round = 0; round < 2; round++) {
      const network = simulateNetwork({ seed: 4711, trace: true });
      const pal = createNetworkPal({ platform: network.platform(), strict: true, maxOperations: 64 });
      pal.initialize();
      const port = echoOnce(pal);
      talk(pal, port, () => undefined);
      void pal.runEventLoop();
      await network.settle();
      traces.push(network.trace());
    }
    expect(traces[0]).to.equal(traces[1]);
    expect(traces[0]?.split('\n').length).to.be.above(50);
  });
});
