/** Sends back what arrives, with iocp-pal/promises. */
import { sharedPal } from '../../src/index.ts';
import { listen } from '../../src/promises/index.ts';
import { report } from './control.ts';
import { BACKLOG } from './settings.ts';

let accepted = 0;
const server = await listen({ backlog: BACKLOG, noDelay: true });
report(server.port, () => ({ pinnedBytes: sharedPal().stats().pinnedBytes, accepted }));
await server.serve(async (connection) => {
  accepted++;
  for await (const chunk of connection) await connection.write(chunk);
});
