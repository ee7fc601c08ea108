// A program for node:net, with one import changed. It ends by itself.
import net, { connect, createServer } from 'iocp-pal/net';
import { createRequire } from 'node:module';
import nodeNet from 'node:net';

const required = createRequire(import.meta.url)('iocp-pal/net');
const server = createServer((socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1', () => {
  const client = connect(server.address().port, '127.0.0.1');
  client.setEncoding('latin1').end('hello');
  client.on('data', (text) => {
    const whose = net.Socket === nodeNet.Socket ? 'node:net' : 'iocp-pal';
    console.log(text, whose, required.default === net && required.connect === connect);
  });
  client.on('close', () => server.close());
});
