// https and tls: a server with a certificate, requests that are kept alive, and a TLS echo of a megabyte.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { close, listen, say, textOf } from './said.mjs';

const read = (name) => readFileSync(new URL(name, import.meta.url));
const [key, cert] = [read('key.pem'), read('certificate.pem')];

const server = https.createServer({ key, cert }, async (request, response) => {
  response.end(`${request.method} ${(await textOf(request)).length}`);
});
const port = await listen(server);
const agent = new https.Agent({ keepAlive: true, maxSockets: 2, ca: cert });
const answers = [];
for (let n = 0; n < 10; n++) {
  const request = https.request({ port, host: 'localhost', family: 4, method: 'POST', agent });
  request.end(Buffer.alloc(n * 10_000));
  const [response] = await once(request, 'response');
  answers.push(await textOf(response));
}
agent.destroy();
await close(server);

const echo = tls.createServer({ key, cert }, (socket) => socket.pipe(socket));
const echoPort = await listen(echo);
// Over a connection of the PAL's on both sides.
const raw = net.connect(echoPort, '127.0.0.1');
const client = tls.connect({ socket: raw, ca: cert, servername: 'localhost' });
await once(client, 'secureConnect');
const sent = Buffer.alloc(1024 * 1024, 'secret');
client.end(sent);
const received = await client.toArray();
await close(echo);
say({
  answers: answers.at(-1),
  count: answers.length,
  authorized: client.authorized,
  same: Buffer.concat(received).equals(sent),
});
