/** The WSAPoll backend on the real system: many sockets, the wake-up, and the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { SocketHandle } from '../../src/index.ts';
import { wsapollInline, wsapollWorker } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { runPromptly, SOON_MS, testsInPairs } from '../support/child.ts';
import { rejectionOf } from '../support/errors.ts';
import { accept, connect, pair, readExactly, REFUSING_PORT, write } from '../support/io.ts';
import { testPal } from '../support/pal-fixture.ts';
import { turns } from '../support/until.ts';

for (const bed of [wsapollWorker, wsapollInline]) {
  describe(`the WSAPoll backend [${bed.name}]`, () => {
    const fixture = testPal(bed);

    it('400 waiting connections, beyond the first array of 256: every one is found', async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      const clients: SocketHandle[] = [];
      const served: SocketHandle[] = [];
      for (let made = 0; made < 400; made += 50) {
        const accepting = Array.from({ length: 50 }, () => accept(pal, server.handle));
        clients.push(...(await Promise.all(accepting.map(() => connect(pal, '127.0.0.1', server.port)))));
        for (const { socket } of await Promise.all(accepting)) served.push(socket);
      }
      const byPort = new Map(clients.map((client, index) => [pal.getLocalPort(client), index]));
      const reading = served.map((socket) => readExactly(pal, socket, 16));
      await turns(5, bed);
      await Promise.all(clients.map((client, index) => write(pal, client, seededBytes(16, index))));
      const received = await Promise.all(reading);
      received.forEach((bytes, index) => {
        const seed = byPort.get(pal.getRemotePort(served[index]!)) ?? -1;
        expect(bytes.equals(seededBytes(16, seed))).to.equal(true);
      });
    });

    it('an operation that is started while the loop waits is seen at once', async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      await write(pal, served, seededBytes(20));
      const took: number[] = [];
      for (let round = 0; round < 20; round++) {
        await sleep(20); // the waiter has the array by now
        const start = performance.now();
        await readExactly(pal, client, 1);
        took.push(performance.now() - start);
      }
      took.sort((one, other) => one - other);
      // The slice of a wait is 1000 ms; without the wake-up this would take that long.
      expect(took[10], 'median, ms').to.be.below(500);
      expect(pal.stats().syscalls['WSASendTo'] ?? 0).to.be.at.most(20 * 4);
    });

    it('a refused connect is reported, with every other socket idle', async () => {
      const { pal } = fixture;
      await pair(pal);
      expect(await rejectionOf(connect(pal, '127.0.0.1', REFUSING_PORT))).to.include({ code: 'ECONNREFUSED' });
    });

    it('stops with everything waiting', async () => {
      const { pal } = fixture;
      const { client, served, server } = await pair(pal);
      pal.asyncAccept(server.handle, () => undefined);
      for (const socket of [client, served]) pal.asyncRead(socket, new Uint8Array(1), 1, () => undefined);
      await sleep(20);
      const start = performance.now();
      await pal.stopEventLoop();
      expect(performance.now() - start).to.be.below(SOON_MS);
    });
  });
}

describe('the end of a process whose waiter is in WSAPoll', () => {
  const test = testsInPairs();
  for (const [way, code, output] of [
    ['natural-end', 0, /loop ended/],
    ['stop', 0, /loop ended/],
    ['exit', 7, /^ending\s*$/],
    ['uncaught-error', 1, /^ending\s*$/],
  ] as const) {
    test(
      `${way}: exit code ${code}`,
      () => runPromptly('../../wsapoll/children/process-end', [way]),
      (end) => {
        expect(end.code, `${end.stdout}${end.stderr}`).to.equal(code);
        expect(end.stdout).to.match(output);
        expect(end.endedAfterMs).to.be.below(SOON_MS);
      },
    );
  }
});
