/** What a command is about: the number that it carries, modulo what there is. */
import type { ServerSocket } from '../../../src/index.ts';
import type { Party, Server } from './party.ts';
import type { Side } from './side.ts';
import type { World } from './world.ts';

export function running(world: World, who: number): Party | null {
  const party = world.parties[who % world.parties.length];
  return party?.running === true ? party : null;
}

/** A side, unless something that was submitted for it from elsewhere comes first. */
export function anySide(world: World, who: number): Side | null {
  const side = world.sides[who % Math.max(1, world.sides.length)];
  return side === undefined || side.hasQueued ? null : side;
}

export function shut(world: World, side: Side, how: 'send' | 'receive' | 'both'): boolean {
  side.free = false;
  return world.call(side, () => side.party.pal.shutdown(side.handle, how));
}

export function addServer(party: Party, socket: ServerSocket, group: Server[]): void {
  const server: Server = { socket, party, group, open: true, pending: 0 };
  group.push(server);
  party.servers.push(server);
}

export function openServer(world: World, who: number): { party: Party; server: Server } | null {
  const all = world.parties.flatMap((party) => {
    if (!party.running) return [];
    return party.servers.filter(({ open }) => open).map((server) => ({ party, server }));
  });
  return all[who % Math.max(1, all.length)] ?? null;
}
