/**
 * A handle from before stopEventLoop() reached a connection from after the next runEventLoop().
 *
 * Each run had a table of sockets of its own, whose generations began at 1 again, so the first connection of the second
 * run got the very number that the first connection of the first run had had. A late closeSocket() with the old handle
 * closed somebody else's connection. The names of calls began anew as well, and a late cancel() took back another call.
 */
import { expect } from 'chai';
import { createNetworkPal, type OperationHandle, type ServerSocket } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

describe('a handle of an earlier run', () => {
  it('is stale in the next one', async () => {
    const platform = simulatePlatform({ seed: 1 });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    const servers: ServerSocket[] = [];
    for (let run = 0; run < 2; run++) {
      pal.initialize();
      const ended = pal.runEventLoop();
      servers.push(pal.createServer('127.0.0.1', 0));
      if (run === 1) {
        expect(servers[0]?.handle).to.not.equal(servers[1]?.handle);
        expect(pal.getLocalPort(servers[0]!.handle)).to.equal(0);
        expect(pal.getLocalPort(servers[1]!.handle)).to.equal(servers[1]?.port);
      }
      void pal.stopEventLoop();
      await platform.settle();
      await ended;
    }
  });

  it('that names a call cancels none of the next one', async () => {
    const platform = simulatePlatform({ seed: 1 });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    const calls: OperationHandle[] = [];
    for (let run = 0; run < 2; run++) {
      pal.initialize();
      const ended = pal.runEventLoop();
      const server = pal.createServer('127.0.0.1', 0);
      calls.push(pal.asyncAccept(server.handle, () => undefined));
      if (run === 1) {
        expect(pal.cancel(calls[0]!), 'the call of the first run').to.equal(false);
        expect(pal.cancel(calls[1]!), 'the call of the second').to.equal(true);
      }
      void pal.stopEventLoop();
      await platform.settle();
      await ended;
    }
  });
});
