/** What a command is about: the number that it carries, modulo what there is. */
import type { ServerSocket } from '../../../src/index.ts';
import type { SimulatedPal, Server } from './simulated-pal.ts';
import type { Side } from './side.ts';
import type { World } from './world.ts';

export function running(world: World, who: number): SimulatedPal | null {
  const owner = world.pals[who % world.pals.length];
  return owner?.running === true ? owner : null;
}

/** A side, unless something that was submitted for it from elsewhere comes first. */
export function anySide(world: World, who: number): Side | null {
  const side = world.sides[who % Math.max(1, world.sides.length)];
  return side === undefined || side.hasQueued ? null : side;
}

export function shut(world: World, side: Side, how: 'send' | 'receive' | 'both'): boolean {
  side.free = false;
  return world.call(side, () => side.owner.pal.shutdown(side.handle, how));
}

export function addServer(owner: SimulatedPal, socket: ServerSocket, group: Server[]): void {
  const server: Server = { socket, owner, group, open: true, pending: 0 };
  group.push(server);
  owner.servers.push(server);
}

export function openServer(world: World, who: number): { owner: SimulatedPal; server: Server } | null {
  const all = world.pals.flatMap((owner) => {
    if (!owner.running) return [];
    return owner.servers.filter(({ open }) => open).map((server) => ({ owner, server }));
  });
  return all[who % Math.max(1, all.length)] ?? null;
}
