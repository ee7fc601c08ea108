// http: bodies both ways, chunked and not, on connections that are kept alive; an upgrade; a client that goes away.
import { once } from 'node:events';
import http from 'node:http';
import { close, listen, say, textOf } from './said.mjs';

const body = Buffer.alloc(1024 * 1024, 'body');
let aborted = 0;
const server = http.createServer(async (request, response) => {
  if (request.url === '/hang') {
    request.on('close', () => aborted++);
    response.write('first');
    return;
  }
  const received = await textOf(request);
  response.setHeader('Got', String(received.length));
  response.end(request.url === '/large' ? body : 'hello');
});
server.on('upgrade', (request, socket, head) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.write(head);
  socket.pipe(socket);
});
const port = await listen(server);
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

async function ask(path, sent) {
  const request = http.request({ port, host: '127.0.0.1', path, method: sent === undefined ? 'GET' : 'POST', agent });
  request.end(sent);
  const [response] = await once(request, 'response');
  return { status: response.statusCode, got: response.headers.got, length: (await textOf(response)).length };
}

const answers = await Promise.all(
  [...Array(40).keys()].map((n) => ask(n % 4 === 0 ? '/large' : '/', n % 2 === 0 ? body : undefined)),
);

const leaving = http.get({ port, host: '127.0.0.1', path: '/hang', agent });
const [begun] = await once(leaving, 'response');
await once(begun, 'data');
begun.on('error', () => undefined);
leaving.destroy();
while (aborted === 0) await new Promise((resolve) => setTimeout(resolve, 5));

const upgrading = http.request({ port, host: '127.0.0.1', headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
upgrading.end();
const [, socket] = await once(upgrading, 'upgrade');
socket.write('through the tunnel');
const [echoed] = await once(socket, 'data');
socket.destroy();

agent.destroy();
await close(server);
say({
  ok: answers.filter(({ status }) => status === 200).length,
  large: answers.filter(({ length }) => length === body.length).length,
  got: answers.filter(({ got }) => got === String(body.length)).length,
  aborted,
  upgraded: echoed.toString(),
});
