/** node-media-server with the line to the runner. It drops nothing: what a player does not take waits in its socket. */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { removeAtExit } from '../../scripts/remove.mjs';
import { report } from './control.ts';

interface MediaServer {
  on(event: 'postPlay' | 'postPublish', listener: () => void): void;
  run(): Promise<void>;
}

const load = createRequire(new URL('../../test/package/software/package.json', import.meta.url));

export async function serveMediaServer(pinnedBytes: () => number): Promise<void> {
  console.log = () => undefined; // it logs each session
  const NodeMediaServer = load('node-media-server') as new (options: object) => MediaServer;
  const port = await freePort();
  const store = mkdtempSync(path.join(tmpdir(), 'iocp-pal-bench-'));
  removeAtExit(store);
  const server = new NodeMediaServer({ bind: '127.0.0.1', rtmp: { port }, store: { path: store } });
  let begun = 0;
  const count = (): void => {
    begun++;
  };
  server.on('postPlay', count);
  server.on('postPublish', count);
  await server.run();
  report(port, () => ({ pinnedBytes: pinnedBytes(), accepted: begun }));
}

/** It does not tell which port it was given. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
