/** The echo server of the README beside an idle timeout that closes its sockets at any moment: nothing may throw. */
import { expect } from 'chai';
import { createIdleTimeout, createNetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const SEEDS = isLong ? 200 : 80;

describe('an echo server whose sockets an idle timeout closes', () => {
  it(`goes on, in ${SEEDS} simulated networks`, async () => {
    let closed = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const network = simulateNetwork({ seed });
      const platform = network.platform({ keepAlive: true });
      const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
      pal.initialize();
      const ended = pal.runEventLoop();
      const server = pal.createServer('127.0.0.1', 0);
      const idle = createIdleTimeout(pal, {
        ms: 1 + (seed % 5),
        scheduler: platform.scheduler,
        onTimeout: (socket) => {
          closed++;
          pal.closeSocket(socket);
        },
      });
      const echo = (client: SocketHandle, buffer: Buffer): void => {
        pal.asyncRead(client, buffer, buffer.length, (error, bytes) => {
          if (error !== null || bytes === 0) return pal.closeSocket(client);
          pal.asyncWrite(client, buffer.subarray(0, bytes), (failure) => {
            if (failure === null) echo(client, buffer);
            else pal.closeSocket(client);
          });
        });
      };
      const accept = (): void => {
        pal.asyncAccept(server.handle, (error, client) => {
          if (error !== null) return;
          idle.touch(client);
          echo(client, Buffer.alloc(1024));
          accept();
        });
      };
      accept();
      for (let count = 0; count < 4; count++) {
        pal.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
          let left = error === null ? 20 : 0;
          const talk = (): void => {
            if (left-- === 0) return;
            pal.asyncWrite(socket, Buffer.alloc(512), () => undefined);
            pal.asyncRead(socket, Buffer.alloc(1024), 1024, (failure) => {
              if (failure === null) talk();
            });
          };
          talk();
        });
      }
      const until = platform.scheduler.now() + 20;
      platform.scheduler.setTimer(20, () => undefined);
      await network.settle(() => platform.scheduler.now() >= until);
      void pal.stopEventLoop();
      await network.settle(() => !pal.isRunning());
      await ended;
      idle.dispose();
      expectNothingLeft(platform);
    }
    expect(closed, 'sockets that the timeout closed').to.be.above(SEEDS);
  });
});
