/** One publisher and many players of a live stream, some of whom take nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { REFERENCE } from '../lib/peers.ts';
import { NOTHING_MEASURED, type Scenario } from '../lib/scenario.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import { withUsageOfAll } from '../lib/usage.ts';
import { dropAll, openMany, watchForLoss } from '../load/connections.ts';
import { MEAN_FRAME_BYTES } from '../load/encoder.ts';
import { openPlayer, openPublisher, publish } from '../load/live.ts';
import { Meter } from '../load/meter.ts';
import { until } from '../load/stall.ts';

/** One player in twenty takes nothing. */
const STALLED = 20;
/** Of the stream, before it is measured: more than a group of pictures. */
const WARM_UP_SECONDS = 3;
const LOOK_EVERY_MS = 100;

export const fanOut: Scenario = {
  title:
    'fan-out: a stream of 30 frames/s (--size: bytes of one in the mean; 16667 are 4 Mbit/s) to many players, of whom 5 % take ' +
    'nothing; msg/s: frames that came, ms: from the publisher to a player, lost: frames dropped for those who take nothing',
  server: 'relay',
  peers: ['promises', REFERENCE, 'media-server', 'media-server-register'],
  ratioOf: 'messagesPerSecond',
  cells: ({ connections = [50, 200, 500, 1000], sizes = [MEAN_FRAME_BYTES] }) =>
    sizes.flatMap((messageBytes) =>
      connections.map((count) => ({ connections: count, active: count - Math.floor(count / STALLED), messageBytes })),
    ),
  measure: async (server, { connections, active, messageBytes }, { seconds }) => {
    const sentAt: number[] = [];
    const meter = new Meter(active);
    const began = new Set<number>();
    let opened = 0;
    const players = await openMany(connections, async () => {
      const index = opened++;
      const player = await openPlayer(server.port, (number) => {
        began.add(index);
        meter.answered(index, performance.now() - (sentAt[number] ?? 0));
      });
      if (index >= active) player.pause();
      return player;
    });
    const checkLoss = watchForLoss(players);
    await haveBegun(server, connections);
    const publisher = await openPublisher(server.port);
    await haveBegun(server, connections + 1); // a stream does not begin before its players are ready for it
    const stream = new AbortController();
    const publishing = publish(publisher, messageBytes, sentAt, stream.signal);
    try {
      const everybody = (): boolean => began.size === active;
      await until(everybody, () => began.size, 'the first frame of each player');
      await sleep(WARM_UP_SECONDS * 1000);
      const usage = await withUsageOfAll(server, async () => {
        meter.begin();
        await sleep(seconds * 1000);
        meter.end();
      });
      const { dropped = 0, pinnedBytes } = await server.usage();
      checkLoss();
      const pinnedBytesPerConnection = pinnedBytes / connections;
      return { ...NOTHING_MEASURED, ...usage, ...meter.figures(), lost: dropped, pinnedBytesPerConnection };
    } finally {
      stream.abort();
      await publishing;
      dropAll([...players, publisher]);
    }
  },
};

/** Waits until so many play or publish. */
async function haveBegun(server: ServerProcess, wanted: number): Promise<void> {
  let begun = 0;
  const look = async (): Promise<void> => {
    while (begun < wanted) {
      begun = (await server.usage()).accepted;
      await sleep(LOOK_EVERY_MS);
    }
  };
  await Promise.all([
    look(),
    until(
      () => begun >= wanted,
      () => begun,
      'the next player',
    ),
  ]);
}
