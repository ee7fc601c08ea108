import { createNetworkPal } from '../../src/index.ts'; // in your project: from 'iocp-pal'

const pal = createNetworkPal();
pal.initialize();
const socket = pal.createUdpSocket('127.0.0.1', Number(process.argv[2] ?? 7007));
const buffer = Buffer.alloc(65536);
function echo(): void {
  pal.asyncReceiveFrom(socket.handle, buffer, buffer.length, (error, bytes, peer) => {
    if (error !== null) return; // the socket was closed
    pal.asyncSendTo(socket.handle, Buffer.from(buffer.subarray(0, bytes)), peer, () => undefined);
    echo();
  });
}
echo();
console.log(`echo on UDP ${socket.address}:${socket.port}`);

function stop(): void {
  process.stdin.destroy(); // would keep the process alive
  void pal.stopEventLoop();
}
process.once('SIGINT', stop); // Ctrl+C
process.stdin.once('end', stop).resume(); // or the end of its input
await pal.runEventLoop();
