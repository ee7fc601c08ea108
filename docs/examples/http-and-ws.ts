/**
 * A program for node:http and ws on completion ports: http-and-ws.ts [port]
 *
 * One import and one call are new: `listen(server, …)` in place of `server.listen(…)`. On other systems it is that.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { listen } from '../../src/http/index.ts'; // in your project: from 'iocp-pal/http'
import { stopSignal } from './stop-signal.ts';

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`you asked for ${request.url}\n`);
});
const webSockets = new WebSocketServer({ server });
webSockets.on('connection', (webSocket) => {
  webSocket.on('error', console.error);
  webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
});

listen(server, Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`http and WebSockets on http://${address}:${port}/`);
});
stopSignal().addEventListener('abort', () => {
  for (const webSocket of webSockets.clients) webSocket.close(1001, 'the server ends');
  server.close();
  server.closeIdleConnections();
});
