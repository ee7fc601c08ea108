/** Sends back what arrives. */
import { serveNodeNet } from './node-net.ts';

serveNodeNet((client) => {
  client.on('data', (data) => {
    client.write(data);
  });
});
