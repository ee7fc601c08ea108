/** A million writes of 32 bytes on one connection: what a write costs, and whether writes travel together. */
import type { Socket } from 'node:net';
import { NOTHING_MEASURED, type Scenario } from '../lib/scenario.ts';
import { withUsage } from '../lib/usage.ts';
import { dropAll, open, watchForLoss } from '../load/connections.ts';
import { until } from '../load/stall.ts';
import { SMALL_BYTES } from '../servers/settings.ts';

const WRITES = 1_000_000;
/** Enough for the compilers to have settled. */
const WARM_UP_WRITES = 100_000;

export const smallWrites: Scenario = {
  title: `small-writes: the server makes ${WRITES} writes of ${SMALL_BYTES} bytes on one connection`,
  server: 'small-writes',
  ratioOf: 'messagesPerSecond',
  cells: () => [{ connections: 1, active: 1, messageBytes: SMALL_BYTES }],
  measure: async (server) => {
    let missing = 0;
    let receivedAll = 0;
    const socket = await open(server.port, (bytes) => {
      missing -= bytes;
      if (missing <= 0) receivedAll = performance.now();
    });
    const checkLoss = watchForLoss([socket]);
    const run = async (writes: number): Promise<number> => {
      missing = writes * SMALL_BYTES;
      const begun = performance.now();
      ask(socket, writes);
      const isDone = (): boolean => {
        checkLoss();
        return missing <= 0;
      };
      await until(isDone, () => missing, 'the rest of the writes');
      return writes / ((receivedAll - begun) / 1000);
    };
    try {
      await run(WARM_UP_WRITES);
      let perSecond = 0;
      const usage = await withUsage(server, async () => {
        perSecond = await run(WRITES);
      });
      return {
        ...NOTHING_MEASURED,
        ...usage,
        messagesPerSecond: perSecond,
        megabytesPerSecond: (perSecond * SMALL_BYTES) / 1e6,
      };
    } finally {
      dropAll([socket]);
    }
  },
};

function ask(socket: Socket, writes: number): void {
  const request = Buffer.alloc(4);
  request.writeUInt32LE(writes);
  socket.write(request);
}
