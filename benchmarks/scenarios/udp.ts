/** Echo over UDP: how many datagrams a server gets done with one socket, and how many it loses. */
import { grid, NOTHING_MEASURED, type Scenario } from '../lib/scenario.ts';
import { withUsage } from '../lib/usage.ts';
import { DatagramLoop } from '../load/datagram-loop.ts';

const WARM_UP_SECONDS = 1;

export const udp: Scenario = {
  title:
    'udp: every client sends a datagram, waits for it to come back, and sends the next; node-net is node:dgram here',
  server: 'udp',
  ratioOf: 'messagesPerSecond',
  cells: (settings) => grid(settings, [1, 16, 100], [64]),
  measure: async (server, { active, messageBytes }, { seconds }) => {
    const load = new DatagramLoop(active);
    try {
      await load.open(server.port, messageBytes);
      await load.warmUp(WARM_UP_SECONDS);
      const usage = await withUsage(server, () => load.measure(seconds));
      const { meter, lost } = load;
      return {
        ...NOTHING_MEASURED,
        ...usage,
        ...meter.figures(),
        fairness: meter.fairness,
        lost,
      };
    } finally {
      load.close();
    }
  },
};
