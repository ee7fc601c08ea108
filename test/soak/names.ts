/** Connecting by host name in a soak: through the system's resolver, and past addresses that do not answer. */
import { NetworkError, type ConnectOptions, type SocketHandle } from '../../src/index.ts';
import { connect } from '../support/io.ts';
import { lookupIn, type Zone } from '../support/lookups.ts';
import { echo } from './sessions.ts';
import { otherAddress, type Random } from './talk.ts';
import { EndedEarly, type World } from './world.ts';
import { Wish } from './wishes.ts';

/** Longest time, ms, that an attempt is given before the next: some follow a refusal, some run beside another. */
const LONGEST_ATTEMPT_MS = 60;
const SHORTEST_ATTEMPT_MS = 10;

/** As the system resolves it: on Windows ::1 comes first, where nobody listens. */
export function localhost(world: World, random: Random): Promise<void> {
  return echo(world, random, Wish.Echo, byName(world, 'localhost', random(2) === 0 ? { family: 4 } : {}));
}

/** Several addresses, of which the last one answers. */
export function deadAddressFirst(world: World, random: Random): Promise<void> {
  const dead = Array.from({ length: 1 + random(2) }, () => otherAddress(random));
  const zone: Zone = {
    4: [...dead, world.listening.address],
    ...(random(2) === 0 ? { 6: ['::1'] } : {}),
  };
  const { lookup } = lookupIn(zone);
  const attemptDelay = SHORTEST_ATTEMPT_MS + random(LONGEST_ATTEMPT_MS);
  return echo(world, random, Wish.Echo, byName(world, 'server.test', { lookup, attemptDelay, noDelay: true }));
}

async function byName({ client, listening }: World, name: string, options: ConnectOptions): Promise<SocketHandle> {
  try {
    return await connect(client.pal, name, listening.port, options);
  } catch (error) {
    // The code is the first attempt's, which is refused as it should be. The one that was to succeed has another reason.
    if (!(error instanceof NetworkError) || error.attempts === undefined) throw error;
    const others = error.attempts.filter(({ code }) => code !== 'ECONNREFUSED');
    if (others.length === 0) throw error;
    throw new EndedEarly(`${name}: ${others.map(({ code }) => code).join(', ')}`);
  }
}
