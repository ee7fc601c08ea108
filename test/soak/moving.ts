/**
 * Connections that one loop accepts and another one serves, in a soak: handed on within the process, and the way that goes
 * to another process, which here is this one (so that all handles are counted).
 */
import process from 'node:process';
import type { SocketHandle, SocketInfo } from '../../src/index.ts';
import { echo } from './sessions.ts';
import { acceptAll, serveOne } from './server.ts';
import { start, type Random } from './talk.ts';
import { failUnlessTolerated, isTolerated, type World } from './world.ts';
import { Wish } from './wishes.ts';

/** Times that an import is tried: the duplicate of a socket lives until it is imported, or its process ends. */
const MOST_IMPORTS = 20;

/** Accepts and hands on. Returns the number of callbacks that wait for a connection. */
export function handOn(world: World): number {
  const { server, client, transferring, exporting } = world;
  const move = (carry: (socket: SocketHandle) => SocketHandle) => (socket: SocketHandle) => {
    let moved: SocketHandle;
    try {
      moved = carry(socket);
    } catch (error) {
      failUnlessTolerated(world, 'handing a connection on', error);
      return;
    }
    void serveOne(world, client, moved);
  };
  return (
    acceptAll(
      server,
      transferring.handle,
      move((socket) => client.pal.receiveTransfer(server.pal.transfer(socket))),
    ) +
    acceptAll(
      server,
      exporting.handle,
      move((socket) => importOne(world, server.pal.exportSocket(socket, process.pid))),
    )
  );
}

/** Talks with a loop that somebody else has accepted for. */
export function movedByTransfer(world: World, random: Random): Promise<void> {
  return echo(world, random, random(3) === 0 ? Wish.WatchEcho : Wish.Echo, start(world, random, world.transferring));
}

export function movedByExport(world: World, random: Random): Promise<void> {
  return echo(world, random, random(3) === 0 ? Wish.WatchEcho : Wish.Echo, start(world, random, world.exporting));
}

function importOne({ client }: World, info: SocketInfo): SocketHandle {
  for (let failures = 0; ; failures++) {
    try {
      return client.pal.importSocket(info);
    } catch (error) {
      // A call that was made to fail has not been made, and can be made again.
      if (failures === MOST_IMPORTS || !isTolerated(error)) throw error;
    }
  }
}
