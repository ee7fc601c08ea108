/** Every counter of stats() against the calls that were really made, on every backend and waiter. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SocketOption, type NetworkPal } from '../../src/index.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpInline, iocpSkipping, iocpWorker, wsapollInline, wsapollWorker } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { withCalls, type ObservedPlatform } from '../support/calls.ts';
import { close, connect, pair, read, readExactly, REFUSING_PORT, write } from '../support/io.ts';
import { testPal } from '../support/pal-fixture.ts';
import { until } from '../support/until.ts';

/** What stats() leaves out, as it says. */
const UNCOUNTED = new Set(['VirtualAlloc', 'VirtualFree', 'CloseHandle']);
/** Made by the waiter too, which the observed platform does not see. */
const WAITS = new Set(['GetQueuedCompletionStatusEx', 'WSAPoll']);
/** Milliseconds in which a loop that has nothing to do goes idle, on a machine that has nothing else to do. */
const PAUSE_MS = 10;
/** What an operation of the kernel is started with. */
const SUBMITS = ['AcceptEx', 'ConnectEx', 'WSARecv', 'WSASend'];

/** A bit of everything; in the end no operation is left. */
async function exercise(pal: NetworkPal): Promise<void> {
  const { server, client, served } = await pair(pal);
  for (const size of [1, 100_000]) {
    await Promise.all([write(pal, client, seededBytes(size)), readExactly(pal, served, size)]);
    await Promise.all([write(pal, served, seededBytes(size)), readExactly(pal, client, size)]);
  }
  pal.setSocketOption(client, SocketOption.NoDelay, true);
  pal.getSocketOption(client, SocketOption.NoDelay);
  pal.setSocketOption(client, SocketOption.KeepAlive, { enabled: true, idleSeconds: 5, intervalSeconds: 5 });
  pal.getLocalPort(client);
  pal.getRemotePort(served);
  pal.shutdown(client, 'send');
  expect((await read(pal, served, 1)).byteLength).to.equal(0);
  pal.asyncRead(client, new Uint8Array(1), 1, () => undefined);
  await close(pal, client);
  await new Promise<void>((resolve) => pal.resetSocket(served, resolve));
  await connect(pal, '127.0.0.1', REFUSING_PORT).catch(() => undefined);
  await close(pal, server.handle);
}

for (const bed of [iocpWorker, iocpInline, iocpSkipping, wsapollWorker, wsapollInline]) {
  describe(`stats() against the calls [${bed.name}]`, () => {
    let platform: ObservedPlatform;
    const fixture = testPal(bed, () => ({ platform: (platform = withCalls(windowsPlatform())) }));
    const made = (): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const { name } of platform.calls) if (!UNCOUNTED.has(name)) counts[name] = (counts[name] ?? 0) + 1;
      return counts;
    };

    it('counts every call by its name', async () => {
      const { pal } = fixture;
      await exercise(pal);
      await until(
        () => pal.stats().sockets === 0,
        () => 'all sockets to be closed',
        bed,
      );
      const [counted, calls] = [pal.stats().syscalls, made()];
      expect(Object.keys(calls)).to.include.members(['WSAStartup', 'WSASocketW', 'bind', 'listen', 'closesocket']);
      for (const [name, count] of Object.entries(calls)) {
        if (WAITS.has(name)) expect(counted[name], name).to.be.at.least(count);
        else expect(counted[name], name).to.equal(count);
      }
      for (const [name, count] of Object.entries(counted)) {
        if (!WAITS.has(name)) expect(count, name).to.equal(calls[name] ?? 0);
      }
    });

    it('counts the calls of the waiter, while it waits too', async () => {
      const { pal } = fixture;
      const name = bed.name.startsWith('iocp') ? 'GetQueuedCompletionStatusEx' : 'WSAPoll';
      const counted = (): number => pal.stats().syscalls[name] ?? 0;
      const before = counted();
      // Nothing happens, so these are waits: the waiter thread begins another one each second, an inline one more often.
      await until(
        () => counted() >= before + 4,
        () => `four waits; there were ${counted() - before}`,
        bed,
      );
    });

    it('wake-ups, once the loop has gone idle, and at most a batch of packets from the waiter', async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const exchange = async (): Promise<void> => {
        const read = readExactly(pal, served, 1);
        // A pause, so that the loop goes idle and has to be woken. How long that takes is the machine's affair: so, again and again.
        await sleep(PAUSE_MS);
        await Promise.all([write(pal, client, seededBytes(1)), read]);
      };
      let exchanging = null as Promise<void> | null;
      let rounds = 0;
      await until(
        () => {
          exchanging ??= exchange().finally(() => {
            exchanging = null;
            rounds++;
          });
          return rounds >= 20 && pal.stats().wakeUps > 0;
        },
        () => `a wake-up, in ${rounds} exchanges`,
      );
      await exchanging;
      const { wakeUps, batches, packets, largestBatch, batchHighWater } = pal.stats();
      expect(wakeUps).to.be.at.least(1);
      expect(batches).to.be.within(1, packets);
      expect(batchHighWater).to.be.within(1, largestBatch);
      if (bed.name.startsWith('iocp')) expect(largestBatch).to.be.at.most(128);
    });

    if (bed.name.startsWith('iocp')) {
      it('a packet or an inline completion for each operation that was started', async () => {
        const { pal } = fixture;
        await exercise(pal);
        await until(
          () => pal.stats().sockets === 0,
          () => 'all sockets to be closed',
          bed,
        );
        const calls = made();
        const started = SUBMITS.reduce((sum, name) => sum + (calls[name] ?? 0), 0);
        const { packets, inlineCompletions } = pal.stats();
        expect(packets + inlineCompletions).to.equal(started);
      });
    }
  });
}
