/** What the commands of a program do. */
import type { NetworkError, SocketHandle } from '../../../src/index.ts';
import type { Party, Server } from './party.ts';
import { streamBytes } from './pattern.ts';
import type { Action, Command } from './program.ts';
import type { Side } from './side.ts';
import { mayWrite, startRead, startSendFile, startWatch, startWrite, writeData } from './transfers.ts';
import { MAX_SIDES, type World } from './world.ts';

type Deed = (world: World, command: Command) => void;

/** Runs a command; one that makes no sense at the moment does nothing. */
export function act(world: World, command: Command): void {
  world.network.note(() => `user: ${command.action} (${command.who}, ${command.size})`);
  DEEDS[command.action](world, command);
}

const DEEDS: Readonly<Record<Action, Deed>> = {
  listen: (world, { who, size }) => {
    const party = running(world, who);
    if (party === null || party.servers.length > 4) return;
    const { acceptDepth, backlog } = world.settings;
    world.call(null, () => {
      const depth = size % 2 === 0 ? acceptDepth : { min: 1, max: acceptDepth };
      const socket = party.pal.createServer('127.0.0.1', 0, {
        acceptDepth: depth,
        backlog,
        reuseSockets: size % 4 !== 1,
      });
      party.servers.push({ socket, open: true, pending: 0 });
    });
  },
  closeServer: (world, { who }) => {
    const found = openServer(world, who);
    if (found === null) return;
    const { party, server } = found;
    if (who % 4 === 0) closeServer(world, party, server);
    else if (who % 4 === 1) world.call(null, () => party.pal.pauseAccept(server.socket.handle));
    else world.call(null, () => party.pal.resumeAccept(server.socket.handle));
  },
  accept: (world, { who }) => {
    const found = openServer(world, who);
    if (found !== null) acceptOne(world, found.party, found.server);
  },
  connect: (world, { who }) => {
    connect(world, who);
  },
  connectAndClose: (world, { who }) => {
    const side = connect(world, who);
    if (side !== null) world.close(side, who % 2 === 0);
  },
  connectNowhere: (world, { who }) => {
    const party = running(world, who);
    if (party === null || world.sides.length >= MAX_SIDES) return;
    // Port 1 refuses; TEST-NET-1 never answers, so only the timeout ends it.
    const refused = who % 2 === 0;
    const end = world.callback(null, 'connect to nowhere', (error: NetworkError | null) => {
      if (error === null) throw new Error('A connection to nowhere');
    });
    world.call(null, () => {
      party.pal.asyncConnect(refused ? '127.0.0.1' : '192.0.2.1', 1, refused ? {} : { timeout: 700 }, end);
    });
  },
  read: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startRead(world, side, new Uint8Array(size));
  },
  readTwice: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side === null) return;
    startRead(world, side, new Uint8Array(size));
    startRead(world, side, new Uint8Array(7));
  },
  pinnedRead: (world, { who, size }) => {
    const side = anySide(world, who);
    const buffer = side === null ? null : pinned(side.party, size);
    if (side !== null && buffer !== null) startRead(world, side, buffer);
  },
  write: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startWrite(world, side, [size]);
  },
  writeList: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startWrite(world, side, [size, 1, 100, size]);
  },
  pinnedWrite: (world, { who, size }) => {
    const side = anySide(world, who);
    const buffer = side === null ? null : pinned(side.party, size);
    if (side === null || buffer === null || !mayWrite(side)) return;
    buffer.set(streamBytes(side.stream, side.written, size));
    writeData(world, side, buffer, size);
  },
  sendFile: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startSendFile(world, side, size, (who >>> 3) % 2 === 0);
  },
  writeAndClose: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side === null) return;
    startWrite(world, side, [size]);
    if (!side.closing) world.close(side, false);
  },
  end: (world, { who }) => {
    const side = anySide(world, who);
    if (!side?.usable) return;
    if (world.call(side, () => side.party.pal.shutdown(side.handle, 'send'))) side.sendShut = true;
  },
  shutReceive: (world, { who }) => {
    const side = anySide(world, who);
    if (side === null || !side.usable || who % 4 !== 0) return;
    if (world.call(side, () => side.party.pal.shutdown(side.handle, 'receive'))) side.receiveShut = true;
  },
  shutBoth: (world, { who }) => {
    const side = anySide(world, who);
    if (side === null || !side.usable || who % 4 !== 0) return;
    if (!world.call(side, () => side.party.pal.shutdown(side.handle, 'both'))) return;
    side.sendShut = true;
    side.receiveShut = true;
  },
  close: (world, { who }) => {
    const side = anySide(world, who);
    if (side !== null && !side.closing) world.close(side, false);
  },
  closeTwice: (world, { who }) => {
    const side = anySide(world, who);
    if (!side?.party.running) return;
    world.close(side, false);
    world.close(side, who % 2 === 0);
  },
  reset: (world, { who }) => {
    const side = anySide(world, who);
    if (side !== null && side.party.running && !side.closeSeen && who % 2 === 0) world.close(side, true);
  },
  useStale: (world, { who }) => {
    const side = anySide(world, who);
    if (side === null || !side.closing || !side.party.running) return;
    const { pal } = side.party;
    const never = (): void => side.fail('a callback for a stale handle');
    if (world.call(side, () => pal.asyncRead(side.handle, new Uint8Array(1), 1, never)))
      side.fail('a stale handle read');
    if (world.call(side, () => pal.shutdown(side.handle, 'send'))) side.fail('a stale handle was shut down');
  },
  unref: (world, { who }) => {
    const side = anySide(world, who);
    if (!side?.usable) return;
    world.call(side, () => {
      if (who % 2 === 0) side.party.pal.unref(side.handle);
      else side.party.pal.ref(side.handle);
    });
  },
  passTime: (world, { who }) => {
    if (who % 4 === 0) world.network.passTime();
  },
  watch: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null && who % 2 === 0) startWatch(world, side, size);
  },
  restart: () => {
    // The world does it, since it takes promises.
  },
};

export function acceptOne(world: World, party: Party, server: Server): void {
  const accepted = world.callback(null, 'accept', (error: NetworkError | null, client: SocketHandle, peer) => {
    server.pending--;
    if (error !== null) {
      if (server.open && party.running) throw error;
      return;
    }
    const side = world.newSide(party, 'served', client);
    side.connected = true;
    const { port } = peer as { port: number };
    world.pair(side, port);
    if (!party.running) side.closing = true; // stopEventLoop closes it
  });
  server.pending++;
  if (!world.call(null, () => party.pal.asyncAccept(server.socket.handle, accepted))) server.pending--;
}

/** As many accepts as could be answered. */
export function acceptAll(world: World, party: Party, server: Server): void {
  const waiting = world.sides.filter(({ target, peer }) => target?.server === server && peer === null).length;
  if (server.open && party.running) world.call(null, () => party.pal.resumeAccept(server.socket.handle));
  for (let count = waiting - server.pending; count > 0 && server.open && party.running; count--) {
    acceptOne(world, party, server);
  }
}

export function closeServer(world: World, party: Party, server: Server): void {
  if (!server.open || !party.running) return;
  server.open = false;
  const closed = world.callback(null, 'close of a server', () => {
    if (server.pending > 0) throw new Error(`A server closed with ${server.pending} accept callbacks owed`);
  });
  world.call(null, () => party.pal.closeSocket(server.socket.handle, closed));
}

function connect(world: World, who: number): Side | null {
  const found = openServer(world, who >>> 1);
  const party = running(world, who);
  if (found === null || party === null || world.sides.length >= MAX_SIDES) return null;
  const side = world.newSide(party, 'client', 0 as SocketHandle);
  side.target = found;
  const timed = who % 3 === 0;
  side.timed = timed;
  const done = world.callback(side, 'connect', (error: NetworkError | null) => {
    if (error === null) side.connected = true;
    else if (error.code === 'ECANCELED') {
      if (!side.closing) side.fail('a connect was cancelled on an open socket');
    } else {
      // A connection that was broken before its callback counts as one that never was.
      const mayFail = side.mayBreak() || !found.server.open || !found.party.running || world.settings.backlog === 1;
      side.closing = true;
      side.failed = true;
      if (error.code === 'ERR_TOO_MANY_OPERATIONS' && world.settings.slots < 128) return;
      const timedOut = error.code === 'ETIMEDOUT' && timed;
      if (mayFail || timedOut || world.settings.faults?.calls !== undefined) return;
      side.fail(`no connection: ${error.message}`);
    }
  });
  const { port } = found.server.socket;
  const called = world.call(side, () => {
    side.handle = party.pal.asyncConnect('127.0.0.1', port, timed ? { timeout: 5000 } : {}, done);
  });
  if (!called) {
    side.pending--;
    side.closing = true;
    side.closeSeen = true;
    return null;
  }
  const local = party.portOf(side.handle);
  if (local !== null) world.remember(side, local);
  return side;
}

function pinned(party: Party, size: number): Uint8Array | null {
  if (!party.running || party.pinned.length >= 4) return null;
  const buffer = party.pal.allocateBuffer(size);
  party.pinned.push(buffer);
  return buffer;
}

function running(world: World, who: number): Party | null {
  const party = world.parties[who % world.parties.length];
  return party?.running === true ? party : null;
}

function anySide(world: World, who: number): Side | null {
  return world.sides[who % Math.max(1, world.sides.length)] ?? null;
}

function openServer(world: World, who: number): { party: Party; server: Server } | null {
  const all = world.parties.flatMap((party) => {
    if (!party.running) return [];
    return party.servers.filter(({ open }) => open).map((server) => ({ party, server }));
  });
  return all[who % Math.max(1, all.length)] ?? null;
}
