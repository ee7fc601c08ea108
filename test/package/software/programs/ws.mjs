// ws: text and bytes both ways, small and large, pings, a broadcast to many, and closing codes.
import { once } from 'node:events';
import http from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { close, listen, say } from './said.mjs';

const server = http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: true });
const codes = [];
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    for (const each of sockets.clients) each.send(data, { binary: isBinary });
  });
  socket.on('close', (code, reason) => codes.push(`${code} ${reason}`));
});
const port = await listen(server);
const clients = await Promise.all(
  [...Array(20).keys()].map(async () => {
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(client, 'open');
    return client;
  }),
);
const [first] = clients;
const large = Buffer.alloc(700_000, 'ws');
let received = 0;
const all = new Promise((resolve) => {
  for (const client of clients) {
    client.on('message', (data) => {
      received += data.length;
      if (received === clients.length * (large.length + 100 * 5)) resolve();
    });
  }
});
first.send(large);
for (let n = 0; n < 100; n++) first.send('hello');
await all;
first.ping('are you there');
const [pong] = await once(first, 'pong');
for (const client of clients) client.close(4000, 'done');
while (codes.length < clients.length) await new Promise((resolve) => setTimeout(resolve, 5));
sockets.close();
await close(server);
say({ received, pong: pong.toString(), codes: [...new Set(codes)] });
