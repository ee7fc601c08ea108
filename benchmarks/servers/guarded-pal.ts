/** The echo server with limits, for benchmarks/crowd. Arguments: the peer's name, headerMs, idleMs. */
import { createNetworkPal } from '../../src/index.ts';
import { report } from './control.ts';
import { GUARDED_PAL, serveGuarded } from './guarded.ts';
import { BACKLOG } from './settings.ts';

const pal = createNetworkPal(GUARDED_PAL);
pal.initialize();
const [, , , headerMs, idleMs] = process.argv;
const { server, counts } = serveGuarded(pal, BACKLOG, { headerMs: Number(headerMs), idleMs: Number(idleMs) });
report(server.port, () => {
  const { pinnedBytes, queuedBytes, sockets } = pal.stats();
  return {
    pinnedBytes,
    accepted: counts.accepted,
    queuedBytes,
    sockets,
    endedByLimit: counts.tooSlow + counts.tooQuiet,
  };
});
void pal.runEventLoop();
