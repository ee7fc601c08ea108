// A program for node:dgram, with one import changed. It ends by itself.
import dgram, { createSocket } from 'iocp-pal/dgram';
import { createRequire } from 'node:module';
import nodeDgram from 'node:dgram';

const required = createRequire(import.meta.url)('iocp-pal/dgram');
const socket = createSocket('udp4', (message) => {
  const whose = dgram.Socket === nodeDgram.Socket ? 'node:dgram' : 'iocp-pal';
  console.log(message.toString(), whose, required.default === dgram && required.createSocket === createSocket);
  socket.close();
});
socket.bind(0, '127.0.0.1', () => socket.send('hello', socket.address().port, '127.0.0.1'));
