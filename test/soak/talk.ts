/** What the kinds of sessions have in common: how each is begun and ended, and how much it talks. */
import type { ConnectOptions, SocketHandle } from '../../src/index.ts';
import { connect } from '../support/io.ts';
import type { World } from './world.ts';

/** Integers below a bound, by the seed. */
export type Random = (below: number) => number;

/** One conversation. Rejects with what broke it. */
export type Session = (world: World, random: Random) => Promise<void>;

/** Bytes of the buffers that sessions read into. */
export const BUFFER_BYTES = 16_384;
/**
 * Addresses to connect from, 127.0.0.2 and on, all of the loopback: each has ports of its own, so that closed connections,
 * which keep their ports for a minute or more, do not use them up.
 */
const LOCAL_ADDRESSES = 200;
/** Streams that a session may choose from. */
const STREAMS = 2 ** 31;

/** One of the loopback's addresses that nothing listens on. */
export function otherAddress(random: Random): string {
  return `127.0.0.${2 + random(LOCAL_ADDRESSES)}`;
}

/** Where a connection of a session goes. */
export interface Destination {
  /** An address, or a host name. */
  readonly address: string;
  readonly port: number;
}

/** Connects to the server of the wishes, or to another one. */
export function start(
  { client, listening }: World,
  random: Random,
  { address, port }: Destination = listening,
  options: ConnectOptions = {},
): Promise<SocketHandle> {
  const given = { localAddress: otherAddress(random), noDelay: random(2) === 0, ...options };
  return connect(client.pal, address, port, given);
}

/** Runs with a connection, and closes it whatever happens. */
export async function connected(
  world: World,
  random: Random,
  talk: (socket: SocketHandle, stream: number) => Promise<void>,
  connecting: Promise<SocketHandle> = start(world, random),
): Promise<void> {
  const socket = await connecting;
  try {
    await talk(socket, someStream(random));
  } finally {
    await world.client.close(socket);
  }
}

export function someStream(random: Random): number {
  return random(STREAMS);
}

/** Small ones mostly, and some that fill every buffer on the way. */
export function someBytes(random: Random): number {
  return 1 + random(random(8) === 0 ? 400_000 : 4000);
}
