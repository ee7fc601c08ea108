/** Many clients that arrive while the server is busy with those who came before. */
import type { Socket } from 'node:net';
import { NOTHING_MEASURED, type Scenario } from '../lib/scenario.ts';
import { allAccepted } from '../load/accepted.ts';
import { ClosedLoop } from '../load/closed-loop.ts';
import { dropAll, open, openMany } from '../load/connections.ts';

/** Connections that echo all the time. */
const BUSY = 1000;
const WARM_UP_SECONDS = 1;

export const arrivals: Scenario = {
  title:
    `arrivals: ${BUSY} connections echo (--active says otherwise) and the others arrive at once; ` +
    '"msg/s" is connections accepted per second until the last one, "max ms" how long that took',
  server: 'echo',
  ratioOf: 'messagesPerSecond',
  cells: ({ connections = [5000], active = BUSY, sizes = [64] }) =>
    sizes.flatMap((messageBytes) => connections.map((count) => ({ connections: count, active, messageBytes }))),
  measure: async (server, { connections, active, messageBytes }) => {
    const busy = new ClosedLoop(active, messageBytes);
    let others: Socket[] = [];
    try {
      await busy.connect(server, active);
      await busy.warmUp(WARM_UP_SECONDS);
      const arriving = connections - active;
      const begun = performance.now();
      others = await openMany(arriving, () => open(server.port, () => undefined));
      await allAccepted(server, connections);
      const ms = performance.now() - begun;
      return { ...NOTHING_MEASURED, messagesPerSecond: (arriving * 1000) / ms, maxMs: ms };
    } finally {
      busy.close();
      dropAll(others);
    }
  },
};
