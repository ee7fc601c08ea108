/** The server of echo-node-net.ts, on iocp-pal/net. */
import net from '../../src/net/index.ts';
import { serveNodeNet } from './node-net.ts';

serveNodeNet(
  (client) => {
    client.on('data', (data) => {
      client.write(data);
    });
  },
  {},
  net,
);
