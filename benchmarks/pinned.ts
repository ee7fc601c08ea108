/**
 * What a connection costs in pinned memory and in Win32 calls, by backend and by API. Counts, not times: they hold on
 * any machine. `npm run wine -- benchmarks/pinned.ts` (on Windows: node benchmarks/pinned.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetworkPal, WouldBlock, type NetworkPal, type PalOptions, type SocketHandle } from '../src/index.ts';
import { wsapoll } from '../src/wsapoll/index.ts';
import { accept, connect, readExactly, write } from '../test/support/io.ts';

const IDLE = 1000;
const BUSY = 64;
const ROUNDS = 100;
/** Longer than two sweeps for idle connections. */
const QUIET_MS = 50_000;

function start(options: PalOptions): NetworkPal {
  const pal = createNetworkPal(options);
  pal.initialize();
  void pal.runEventLoop();
  return pal;
}

/** Echoes messages of up to 64 bytes, by the asynchronous calls. */
function serveAsync(pal: NetworkPal, socket: SocketHandle): void {
  const buffer = new Uint8Array(64);
  const next = (): void =>
    void pal.asyncRead(socket, buffer, 64, (error, bytes) => {
      if (error !== null || bytes === 0) return;
      pal.asyncWrite(socket, buffer.slice(0, bytes), () => undefined);
      next();
    });
  next();
}

/** The same by the readiness calls: one read per call, as a poll loop would. */
function serveReady(pal: NetworkPal, socket: SocketHandle): void {
  const buffer = new Uint8Array(64);
  pal.watch(socket, { readable: true }, (error) => {
    if (error !== null) return;
    const bytes = pal.tryRead(socket, buffer);
    if (bytes !== WouldBlock && bytes > 0) pal.tryWrite(socket, buffer.subarray(0, bytes));
  });
}

async function connections(
  server: NetworkPal,
  clients: NetworkPal,
  count: number,
): Promise<[SocketHandle[], SocketHandle[]]> {
  const { handle, port } = server.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  const served: SocketHandle[] = [];
  const connected: SocketHandle[] = [];
  for (let made = 0; made < count; made++) {
    const [{ socket }, client] = await Promise.all([accept(server, handle), connect(clients, '127.0.0.1', port)]);
    served.push(socket);
    connected.push(client);
  }
  return [served, connected];
}

async function idle(options: PalOptions): Promise<string> {
  const pal = start(options);
  const clients = start({});
  const [served, connected] = await connections(pal, clients, IDLE);
  const before = pal.stats().pinnedBytes;
  const each = (): number => (pal.stats().pinnedBytes - before) / IDLE;
  for (const socket of served) serveAsync(pal, socket);
  const fresh = each();
  await Promise.all(connected.map((socket) => write(clients, socket, new Uint8Array(10))));
  await Promise.all(connected.map((socket) => readExactly(clients, socket, 10)));
  const busy = each();
  await sleep(QUIET_MS);
  const line = `${fresh} before its first bytes, ${busy} busy, ${each()} after ${QUIET_MS} ms of silence`;
  await Promise.all([pal.stopEventLoop(), clients.stopEventLoop()]);
  return line;
}

async function busy(options: PalOptions, serve: typeof serveAsync): Promise<string> {
  const pal = start(options);
  const clients = start({});
  const [served, connected] = await connections(pal, clients, BUSY);
  for (const socket of served) serve(pal, socket);
  const round = (): Promise<unknown> =>
    Promise.all(
      connected.map(async (socket) => {
        await write(clients, socket, new Uint8Array(64));
        await readExactly(clients, socket, 64);
      }),
    );
  await round();
  const before = pal.stats();
  for (let count = 0; count < ROUNDS; count++) await round();
  const after = pal.stats();
  const per = (from: number, to: number): string => ((to - from) / (BUSY * ROUNDS)).toFixed(2);
  const calls = Object.entries(after.syscalls)
    .map(([name, count]) => [name, per(before.syscalls[name] ?? 0, count)] as const)
    .filter(([, count]) => count !== '0.00')
    .map(([name, count]) => `${name} ${count}`);
  await Promise.all([pal.stopEventLoop(), clients.stopEventLoop()]);
  return `${calls.join(', ')}; wake-ups ${per(before.wakeUps, after.wakeUps)}`;
}

const backends: Record<string, PalOptions> = {
  iocp: {},
  'iocp no skip': { skipCompletionPortOnSuccess: false },
  wsapoll: { backend: wsapoll },
};
for (const [name, options] of Object.entries(backends)) {
  console.log(`${name}: pinned bytes per connection: ${await idle(options)}`);
  console.log(`${name}: calls per 64-byte echo, asyncRead: ${await busy(options, serveAsync)}`);
  console.log(`${name}: calls per 64-byte echo, watch:     ${await busy(options, serveReady)}`);
}
