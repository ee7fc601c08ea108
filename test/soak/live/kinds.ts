/** What happens to a live relay: those who publish and watch, and those who mean no good. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageType } from '../../../docs/examples/rtmp-relay/chunks.ts';
import { Finished } from '../../../docs/examples/rtmp-relay/protocol-error.ts';
import { NetworkError, type Connection, type Network } from '../../../src/promises/index.ts';
import { greeting, pictureOf, RtmpClient } from '../../support/rtmp-client.ts';
import type { Random } from '../talk.ts';
import { GROUP, watch } from './audience.ts';

/** What a session needs. */
export interface LiveWorld {
  readonly network: Network;
  readonly port: number;
  /** A name that no other session has. */
  streamName(): string;
  /** Counts bytes that were compared. */
  verified(bytes: number): void;
}

type Session = (world: LiveWorld, random: Random) => Promise<void>;

/** Frames of a stream, and bytes of one. */
const FRAMES = { least: 2 * GROUP, more: 8 * GROUP };
const LARGEST_FRAME = 30_000;
/** More than the buffers of a connection and a queue of the relay hold. */
const STALLING_BYTES = 8_000_000;
const FLOOD = 25;
/** What main.ts lets a stall take, and more. */
const LONGER_THAN_A_STALL_MS = 10_000;

async function frames(publisher: RtmpClient, from: number, to: number, random: Random, bytes?: number): Promise<void> {
  for (let number = from; number < to; number++) {
    const picture = pictureOf(number, number % GROUP === 0, bytes ?? 100 + random(LARGEST_FRAME));
    await publisher.send(MessageType.Video, number * 33, picture);
    await sleep(random(6));
  }
}

/** Publishes, and has others watch: some from the beginning, and one who is late. */
async function publishAndWatch(world: LiveWorld, random: Random): Promise<void> {
  const name = world.streamName();
  const watching: Promise<void>[] = [];
  const join = (): void => {
    const playing = play();
    playing.catch(() => undefined); // whoever waits for all of them is told
    watching.push(playing);
  };
  const play = async (): Promise<void> => {
    const player = await RtmpClient.open(world.network, world.port, 'play', name);
    const { frames: seen, bytes } = await watch(player);
    if (seen === 0) throw new Error('A player saw nothing');
    world.verified(bytes);
    await player.connection.close();
  };
  join();
  join();
  const publisher = await RtmpClient.open(world.network, world.port, 'publish', name);
  const count = FRAMES.least + random(FRAMES.more);
  await frames(publisher, 0, count, random);
  join();
  await frames(publisher, count, count + 2 * GROUP, random);
  await sleep(200); // whoever is late has come by now, or sees nothing of this stream
  await frames(publisher, count + 2 * GROUP, count + 6 * GROUP, random);
  await publisher.connection.close();
  await Promise.all(watching);
}

/** Takes nothing for a while, and then everything that is left. */
async function stall(world: LiveWorld, random: Random): Promise<void> {
  const name = world.streamName();
  const player = await RtmpClient.open(world.network, world.port, 'play', name);
  const publisher = await RtmpClient.open(world.network, world.port, 'publish', name);
  const bytes = 20_000 + random(40_000);
  await frames(publisher, 0, Math.ceil(STALLING_BYTES / bytes), random, bytes);
  await publisher.connection.close();
  try {
    world.verified((await watch(player)).bytes);
  } catch (error) {
    // It may have taken so long that the relay has had enough.
    if (!(error instanceof Finished || error instanceof NetworkError)) throw error;
  }
  await player.connection.reset();
}

/** Takes nothing, until the relay has had enough of it. */
async function stallForEver(world: LiveWorld, random: Random): Promise<void> {
  const name = world.streamName();
  const player = await RtmpClient.open(world.network, world.port, 'play', name);
  const publisher = await RtmpClient.open(world.network, world.port, 'publish', name);
  await frames(publisher, 0, 200, random, 60_000);
  await sleep(LONGER_THAN_A_STALL_MS);
  await publisher.connection.close();
  await player.connection.reset();
}

/** The publisher is gone without a word: those who watch are told. */
async function publisherResets(world: LiveWorld, random: Random): Promise<void> {
  const name = world.streamName();
  const player = await RtmpClient.open(world.network, world.port, 'play', name);
  const publisher = await RtmpClient.open(world.network, world.port, 'publish', name);
  const watching = watch(player);
  watching.catch(() => undefined); // it is waited for below
  await frames(publisher, 0, FRAMES.least, random);
  await publisher.connection.reset();
  world.verified((await watching).bytes);
  await player.connection.close();
}

/** A player is gone without a word: nobody else notices. */
async function playerResets(world: LiveWorld, random: Random): Promise<void> {
  const name = world.streamName();
  const [gone, stays] = [
    await RtmpClient.open(world.network, world.port, 'play', name),
    await RtmpClient.open(world.network, world.port, 'play', name),
  ];
  const publisher = await RtmpClient.open(world.network, world.port, 'publish', name);
  const watching = watch(stays);
  watching.catch(() => undefined); // it is waited for below
  await frames(publisher, 0, GROUP, random);
  await gone.connection.reset();
  await frames(publisher, GROUP, FRAMES.least, random);
  await publisher.connection.close();
  const { frames: seen, bytes } = await watching;
  if (seen !== FRAMES.least) throw new Error(`${seen} frames came of ${FRAMES.least}`);
  world.verified(bytes);
  await stays.connection.close();
}

/** Two publish the same: the second is turned away. */
async function publishTwice(world: LiveWorld): Promise<void> {
  const name = world.streamName();
  const first = await RtmpClient.open(world.network, world.port, 'publish', name);
  const second = await RtmpClient.open(world.network, world.port, 'publish', name);
  const ended = await second.next().then(
    () => false,
    () => true,
  );
  if (!ended) throw new Error('A second publisher was not turned away');
  await Promise.all([first.connection.close(), second.connection.close()]);
}

/** Many at once begin a handshake, and never end it. */
async function halfHandshakes(world: LiveWorld, random: Random): Promise<void> {
  await Promise.all(
    Array.from({ length: FLOOD }, async () => {
      const peer = await world.network.connect({ port: world.port });
      await peer.write(greeting().subarray(0, random(greeting().length)));
      await end(peer, random);
    }),
  );
}

/** Bytes that are no RTMP, in front of a handshake or behind it. */
async function garbage(world: LiveWorld, random: Random): Promise<void> {
  const peer = await world.network.connect({ port: world.port });
  const noise = Buffer.from(Array.from({ length: 1 + random(5000) }, () => random(256)));
  await peer.write(random(2) === 0 ? noise : Buffer.concat([greeting(), noise]));
  await end(peer, random);
}

/** Goes, resets, or waits until it is thrown out. */
async function end(peer: Connection, random: Random): Promise<void> {
  const how = random(3);
  if (how === 0) await peer.reset();
  else if (how === 1) await peer.close();
  else {
    const buffer = Buffer.alloc(4096);
    // To its end, or to the reset with which the relay answers.
    const read = (): Promise<number> => peer.read(buffer).catch(() => 0);
    while ((await read()) > 0);
    await peer.reset();
  }
}

/** The kinds, and how often each comes. */
export const LIVE_SESSIONS: Readonly<Record<string, { readonly weight: number; readonly run: Session }>> = {
  'publish and watch': { weight: 6, run: publishAndWatch },
  stall: { weight: 1, run: stall },
  'stall for ever': { weight: 1, run: stallForEver },
  'publisher resets': { weight: 3, run: publisherResets },
  'player resets': { weight: 3, run: playerResets },
  'publish twice': { weight: 1, run: publishTwice },
  'half handshakes': { weight: 3, run: halfHandshakes },
  garbage: { weight: 4, run: garbage },
};
