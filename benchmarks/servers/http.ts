/** A server of node:http, as its users set it up. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { report } from './control.ts';
import { BACKLOG } from './settings.ts';

/** Answers GET /N with a body of N bytes until the runner says quit. */
export function serveHttp(): void {
  const bodies = new Map<string, Buffer>();
  let accepted = 0;
  const server = createServer((request, response) => {
    const { url = '' } = request;
    let body = bodies.get(url);
    if (body === undefined) bodies.set(url, (body = Buffer.alloc(Number(url.slice(1)), 'h')));
    response.setHeader('Content-Type', 'text/plain');
    response.setHeader('Content-Length', body.length);
    response.end(body);
  });
  // Clients that wait for their turn for longer than the 5 s of Node's default are no idle ones.
  server.keepAliveTimeout = 60_000;
  server.on('connection', () => accepted++);
  server.listen(0, '127.0.0.1', BACKLOG, () => {
    report((server.address() as AddressInfo).port, () => ({ pinnedBytes: 0, accepted }));
  });
}
