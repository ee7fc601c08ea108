/** The server sends 64 KiB blocks one way, as fast as it can. */
import { setTimeout as sleep } from 'node:timers/promises';
import { grid, NOTHING_MEASURED, type Scenario } from '../lib/scenario.ts';
import { withUsage } from '../lib/usage.ts';
import { dropAll, open, openMany, watchForLoss } from '../load/connections.ts';
import { until } from '../load/stall.ts';
import { PUMP_BYTES } from '../servers/settings.ts';

const WARM_UP_SECONDS = 0.5;

export const pump: Scenario = {
  title: 'pump: the server sends 64 KiB blocks one way, each when the one before is taken',
  server: 'pump',
  ratioOf: 'megabytesPerSecond',
  cells: (settings) => grid({ ...settings, sizes: undefined }, [1, 16], [PUMP_BYTES]),
  measure: async (server, { connections, messageBytes }, { seconds }) => {
    let received = 0;
    const sockets = await openMany(connections, () =>
      open(server.port, (bytes) => {
        received += bytes;
      }),
    );
    const checkLoss = watchForLoss(sockets);
    try {
      await sleep(WARM_UP_SECONDS * 1000);
      let perSecond = 0;
      const usage = await withUsage(server, async () => {
        const start = received;
        const begun = performance.now();
        await until(
          () => {
            checkLoss();
            return performance.now() - begun >= seconds * 1000;
          },
          () => received,
          'the next block',
        );
        perSecond = (received - start) / ((performance.now() - begun) / 1000);
      });
      return {
        ...NOTHING_MEASURED,
        ...usage,
        messagesPerSecond: perSecond / messageBytes,
        megabytesPerSecond: perSecond / 1e6,
      };
    } finally {
      dropAll(sockets);
    }
  },
};
