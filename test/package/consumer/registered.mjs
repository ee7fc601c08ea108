// A program for node:http and node:tls, run with --import iocp-pal/register. It ends by itself.
import { listen } from 'iocp-pal/http';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';

const ours = net.Socket.prototype.constructor !== Object.getPrototypeOf(tls.TLSSocket.prototype).constructor;
console.log(ours ? 'iocp-pal' : 'node:net');

/** The text that comes, until the end. */
const textOf = async (stream) => {
  let text = '';
  for await (const piece of stream.setEncoding('latin1')) text += piece;
  return text;
};
const opened = (server) => new Promise((resolve) => server.once('listening', () => resolve(server.address().port)));
const closed = (server) => new Promise((resolve) => server.close(resolve));

for (const way of [(server) => server.listen(0, 'localhost'), (server) => listen(server, 0, 'localhost')]) {
  const server = http.createServer((request, response) => response.end(`${request.url} from http`));
  const port = await opened(way(server));
  const response = await new Promise((resolve) =>
    http.get({ port, host: 'localhost', path: '/hello', agent: false }, resolve),
  );
  console.log(await textOf(response));
  await closed(server);
}

// Without a certificate: a key that both know.
const psk = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const common = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
const server = tls.createServer({ ...common, pskCallback: () => psk }, (socket) => socket.end('hello from tls'));
const port = await opened(server.listen(0, 'localhost'));
const client = tls.connect({
  ...common,
  port,
  host: 'localhost',
  pskCallback: () => ({ psk, identity: 'me' }),
  checkServerIdentity: () => undefined,
});
console.log(await textOf(client));
await closed(server);

// Nothing of this keeps the process alive.
http.createServer().listen(0, 'localhost').unref();
