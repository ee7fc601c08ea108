/** node:net, or what has its exports, as its users set it up. */
import nodeNet, { type AddressInfo, type ServerOpts, type Socket } from 'node:net';
import { report } from './control.ts';
import { BACKLOG } from './settings.ts';

/** Serves until the runner says quit. */
export function serveNodeNet(serve: (client: Socket) => void, options: ServerOpts = {}, net = nodeNet): void {
  let accepted = 0;
  const server = net.createServer({ noDelay: true, ...options }, (client) => {
    accepted++;
    client.on('error', () => client.destroy());
    serve(client);
  });
  server.listen(0, '127.0.0.1', BACKLOG, () => {
    report((server.address() as AddressInfo).port, () => ({ pinnedBytes: 0, accepted }));
  });
}
