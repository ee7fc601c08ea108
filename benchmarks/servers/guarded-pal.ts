/** The echo server with limits, for benchmarks/many-connections. Arguments: headerMs, idleMs, connections per address or 0. */
import { createNetworkPal } from '../../src/index.ts';
import { report } from './control.ts';
import { GUARDED_PAL, serveGuarded } from './guarded.ts';
import { BACKLOG } from './settings.ts';

const pal = createNetworkPal(GUARDED_PAL);
pal.initialize();
const [headerMs = 0, idleMs = 0, perAddress = 0] = process.argv.slice(2).map(Number);
const { server, counts } = serveGuarded(
  pal,
  { headerMs, idleMs },
  { backlog: BACKLOG, ...(perAddress > 0 && { maxConnectionsPerAddress: perAddress }) },
);
report(server.port, () => {
  const { pinnedBytes, queuedBytes, sockets } = pal.stats();
  const { accepted, tooSlow, tooQuiet, tooMany, noRoom } = counts;
  return { pinnedBytes, accepted, queuedBytes, sockets, endedByLimit: tooSlow + tooQuiet + tooMany + noRoom };
});
void pal.runEventLoop();
