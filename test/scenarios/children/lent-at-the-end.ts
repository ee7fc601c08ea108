/**
 * A thread ends while the system has reads and writes with buffers of allocateBuffer() of it, and the peers go on:
 * 'worker' terminates a worker thread that is full of them, and uses its memory again; the other ways end the process itself.
 */
import process from 'node:process';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { accept, connect, write } from '../../support/io.ts';

const CONNECTIONS = 8;
const SIZE = 65536;
const nothing = (): void => undefined;

function start(): NetworkPal {
  const pal = createNetworkPal({ strict: true });
  pal.initialize();
  void pal.runEventLoop();
  return pal;
}

/** Connects to a port, and lends a buffer to a read and to a write of each connection. */
async function lend(pal: NetworkPal, port: number): Promise<void> {
  for (let count = 0; count < CONNECTIONS; count++) {
    const socket = await connect(pal, '127.0.0.1', port);
    pal.asyncRead(socket, pal.allocateBuffer(SIZE), SIZE, nothing);
    pal.asyncWrite(socket, pal.allocateBuffer(4 * 1024 * 1024), nothing);
  }
}

/** Peers that take their connections, and never read. */
function serve(pal: NetworkPal): { port: number; peers: SocketHandle[]; taken: Promise<void> } {
  const server = pal.createServer('127.0.0.1', 0);
  const peers: SocketHandle[] = [];
  const taken = (async () => {
    while (peers.length < CONNECTIONS) peers.push((await accept(pal, server.handle)).socket);
  })();
  return { port: server.port, peers, taken };
}

async function terminateWorker(): Promise<void> {
  const pal = start();
  for (let round = 0; round < 2; round++) {
    const { port, peers, taken } = serve(pal);
    const thread = new Worker(new URL(import.meta.url), { workerData: { port } });
    await Promise.all([taken, new Promise((resolve) => thread.once('message', resolve))]);
    await thread.terminate();
    // What V8 has freed is taken again by this thread, and must stay as it is whatever the peers send.
    const mine = Array.from({ length: 100 }, () => new Uint8Array(SIZE).fill(0x5a));
    const pinned = Array.from({ length: CONNECTIONS }, () => pal.allocateBuffer(SIZE).fill(0x5a));
    for (const peer of peers) await write(pal, peer, new Uint8Array(SIZE).fill(0xbd)).catch(nothing);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const changed = [...mine, ...pinned].filter((bytes) => bytes.some((byte) => byte !== 0x5a)).length;
    console.log(`round ${round}: ${changed} buffers changed`);
    for (const peer of peers) pal.resetSocket(peer);
  }
  await pal.stopEventLoop();
  console.log('ending');
}

async function endProcess(way: string): Promise<void> {
  const pal = start();
  const { port, taken } = serve(pal);
  await Promise.all([taken, lend(pal, port)]);
  const { receive, send } = pal.stats().operations;
  console.log(`pending: ${receive} receives, ${send} sends`);
  process.on('exit', () => console.log('ending'));
  if (way === 'exit') process.exit(7);
  throw new Error('on purpose');
}

if (!isMainThread) {
  const pal = start();
  await lend(pal, (workerData as { port: number }).port);
  parentPort?.postMessage('lent');
} else if (process.argv[2] === 'worker') await terminateWorker();
else await endProcess(process.argv[2] ?? '');
