/**
 * How long the first echo takes: from initialize() to the first 64 bytes that have come back, each time in a new process.
 * While the waiter thread starts, the loop takes packets itself; node:net, which has no thread to start, is the peer.
 * `npm run wine -- benchmarks/cold-start.ts` (on Windows: node benchmarks/cold-start.ts).
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectNet, createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createNetworkPal } from '../src/index.ts';
import { pair, read, write } from '../test/support/io.ts';

const ROUNDS = 5;
const BYTES = 64;

const peers: Readonly<Record<string, () => Promise<number>>> = {
  worker: () => measurePal('worker'),
  inline: () => measurePal('inline'),
  'node:net': measureNet,
};

async function measurePal(waiter: 'worker' | 'inline'): Promise<number> {
  const pal = createNetworkPal({ waiter });
  const begun = performance.now();
  pal.initialize();
  const running = pal.runEventLoop();
  const { client, served } = await pair(pal);
  const answer = read(pal, client);
  await write(pal, served, new Uint8Array(BYTES));
  await answer;
  const took = performance.now() - begun;
  await pal.stopEventLoop();
  await running;
  return took;
}

async function measureNet(): Promise<number> {
  const begun = performance.now();
  const server = createServer((socket) => socket.end(new Uint8Array(BYTES)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectNet((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'data');
  const took = performance.now() - begun;
  client.destroy();
  server.close();
  return took;
}

const chosen = process.argv[2];
if (chosen !== undefined) {
  const measure = peers[chosen];
  if (measure === undefined) throw new Error(`Cannot measure ${chosen}: it is one of ${Object.keys(peers).join(', ')}`);
  console.log((await measure()).toFixed(1));
} else {
  const times = new Map(Object.keys(peers).map((peer) => [peer, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [peer, taken] of times) {
      const args = [...process.execArgv, fileURLToPath(import.meta.url), peer];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
      if (status !== 0) throw new Error(`The measurement of ${peer} ended with ${status}: ${stderr}`);
      taken.push(Number(stdout));
    }
  }
  for (const [peer, taken] of times) {
    taken.sort((a, b) => a - b);
    const median = taken[Math.floor(taken.length / 2)] ?? NaN;
    console.log(
      `${peer.padEnd(10)} first echo after ${median.toFixed(0)} ms (${taken.map((ms) => ms.toFixed(0)).join(', ')})`,
    );
  }
}
