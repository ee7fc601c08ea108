/** Connections that are open and silent: what each of them costs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { grid, NOTHING_MEASURED, type Scenario } from '../lib/scenario.ts';
import { allAccepted } from '../load/accepted.ts';
import { dropAll, open, openMany, watchForLoss } from '../load/connections.ts';

/** Connections before the measurement: what is made once is made by then. */
const FIRST = 100;
/** Seconds after which a server that lends less to the idle has done so. */
const SETTLE_SECONDS = 2;

export const memory: Scenario = {
  title:
    'memory: bytes per idle connection, of the process (RSS), of JavaScript (heap) and used by the kernel (pinned); less is better',
  server: 'echo',
  ratioOf: 'rssBytesPerConnection',
  cells: (settings) => grid({ ...settings, sizes: undefined }, [1000, 5000], [0]),
  measure: async (server, { connections }) => {
    const openOne = () => open(server.port, () => undefined);
    const sockets = await openMany(FIRST, openOne);
    try {
      await sleep(SETTLE_SECONDS * 1000);
      await allAccepted(server, FIRST);
      const before = await server.usage();
      const heapBefore = await server.heapBytes();
      sockets.push(...(await openMany(connections, openOne)));
      const checkLoss = watchForLoss(sockets);
      await allAccepted(server, FIRST + connections);
      await sleep(SETTLE_SECONDS * 1000);
      checkLoss();
      const after = await server.usage();
      const heapAfter = await server.heapBytes();
      return {
        ...NOTHING_MEASURED,
        serverCpuSeconds: after.cpuSeconds - before.cpuSeconds,
        rssBytes: after.rssBytes,
        rssBytesPerConnection: (after.rssBytes - before.rssBytes) / connections,
        heapBytesPerConnection: (heapAfter - heapBefore) / connections,
        pinnedBytesPerConnection: (after.pinnedBytes - before.pinnedBytes) / connections,
      };
    } finally {
      dropAll(sockets);
    }
  },
};
