/** A process beside the soak's own, which publishes and watches until it is killed in the middle of it: other-process.ts port name */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageType } from '../../../docs/examples/rtmp-relay/chunks.ts';
import { connect } from '../../../src/promises/index.ts';
import { pictureOf, RtmpClient } from '../../support/rtmp-client.ts';
import { GROUP } from './audience.ts';

const PLAYERS = 5;
/** Told to the parent when everybody has seen this frame: from here on it may kill. */
const SEEN = 20;
/** Nobody has killed it: the parent is gone. */
const LONGEST_MS = 120_000;

const [port = '', name = ''] = process.argv.slice(2);
setTimeout(() => process.exit(1), LONGEST_MS).unref();

const watching = Array.from({ length: PLAYERS }, async () => {
  const player = await RtmpClient.open({ connect }, Number(port), 'play', name);
  for (let seen = 0; seen < SEEN; seen++) await player.nextMedia();
  void (async () => {
    while ((await player.nextMedia()) !== null);
  })().catch(() => process.exit(1));
});
const publisher = await RtmpClient.open({ connect }, Number(port), 'publish', name);
void Promise.all(watching).then(() => console.log('streaming'));
for (let number = 0; ; number++) {
  await publisher.send(MessageType.Video, number * 33, pictureOf(number, number % GROUP === 0, 20_000));
  await sleep(10);
}
