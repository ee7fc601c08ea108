import { createNetworkPal, type SocketHandle } from '../../src/index.ts'; // in your project: from 'iocp-pal'

const pal = createNetworkPal();
pal.initialize();
const server = pal.createServer('127.0.0.1', Number(process.argv[2] ?? 7007), { noDelay: true });

function echo(client: SocketHandle, buffer: Buffer): void {
  pal.asyncRead(client, buffer, buffer.length, (error, bytes) => {
    if (error !== null || bytes === 0) return pal.closeSocket(client); // broken, or ended by the peer
    pal.asyncWrite(client, buffer.subarray(0, bytes), (failure) => {
      if (failure === null) echo(client, buffer);
      else pal.closeSocket(client);
    });
  });
}
function accept(): void {
  pal.asyncAccept(server.handle, (error, client) => {
    if (error !== null) return; // the server was closed
    echo(client, Buffer.alloc(65536));
    accept();
  });
}
accept();
console.log(`echo server on ${server.address}:${server.port}`);

function stop(): void {
  process.stdin.destroy(); // would keep the process alive
  void pal.stopEventLoop(); // closes everything in order
}
process.once('SIGINT', stop); // Ctrl+C
process.stdin.once('end', stop).resume(); // or the end of its input
await pal.runEventLoop();
