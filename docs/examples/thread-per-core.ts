/**
 * An echo server with a loop per core: the main thread accepts and hands each connection on, N threads echo.
 *
 * Each thread waits for the network itself (`waiter: 'inline'`), so a connection is served without a hop between threads.
 *
 * thread-per-core.ts [port] [threads] — ends on Ctrl+C, or at the end of its input.
 */
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
// In your project: from 'iocp-pal'.
import { createNetworkPal, openRemote, type NetworkPal, type RemoteToken, type SocketHandle } from '../../src/index.ts';

if (isMainThread) await accept(Number(process.argv[2] ?? 7007), Number(process.argv[3] ?? availableParallelism()));
else await work();

async function accept(port: number, count: number): Promise<void> {
  const threads = Array.from({ length: count }, () => new Worker(new URL(import.meta.url)));
  const loops = await Promise.all(
    threads.map((thread) => new Promise<RemoteToken>((ready) => thread.once('message', ready))),
  );
  const pal = createNetworkPal();
  pal.initialize();
  const server = pal.createServer('127.0.0.1', port, {
    noDelay: true,
    spread: { loops, policy: 'least-loaded' },
    onAcceptError: (error) => console.error(error.message),
  });
  console.log(`echo server on ${server.address}:${server.port}, ${count} loops`);
  const stop = (): void => {
    process.off('SIGINT', stop);
    process.stdin.destroy(); // would keep the process alive
    pal.closeSocket(server.handle); // nothing new
    for (const loop of loops) openRemote(loop).stop(); // each closes its connections, and its thread ends
  };
  process.once('SIGINT', stop);
  process.stdin.once('end', stop).resume();
  if (process.stdin.readableEnded) stop(); // its end came while the threads were starting
  await pal.runEventLoop();
}

async function work(): Promise<void> {
  const pal = createNetworkPal({ waiter: 'inline' });
  pal.initialize();
  pal.onConnection((socket) => echo(pal, socket, Buffer.alloc(65536)));
  parentPort?.postMessage(pal.remote());
  await pal.runEventLoop(); // until it is told to stop
}

function echo(pal: NetworkPal, socket: SocketHandle, buffer: Buffer): void {
  pal.asyncRead(socket, buffer, buffer.length, (error, bytes) => {
    if (error !== null || bytes === 0) return pal.closeSocket(socket); // broken, or ended by the peer
    pal.asyncWrite(socket, buffer.subarray(0, bytes), (failure) => {
      if (failure === null) echo(pal, socket, buffer);
      else pal.closeSocket(socket);
    });
  });
}
