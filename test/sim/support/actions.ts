/** What the commands of a program do. */
import type { LookupFunction } from 'node:net';
import { NetworkErrorCode, type NetworkError, type SocketHandle } from '../../../src/index.ts';
import { Step } from '../../../src/sim/schedule/agenda.ts';
import { addServer, anySide, openServer, running, shut } from './choosing.ts';
import { LOOP_DEEDS } from './loop-actions.ts';
import type { SimulatedPal, Server } from './simulated-pal.ts';
import { streamBytes } from './pattern.ts';
import type { Action, Command, Deed } from './program.ts';
import type { Side } from './side.ts';
import {
  cancelTransfer,
  mayWrite,
  startRead,
  startSendFile,
  startViewRead,
  startWatch,
  startWrite,
  tryWrite,
  writeData,
} from './transfers.ts';
import { MAX_SIDES, type World } from './world.ts';

/** Runs a command; one that makes no sense at the moment does nothing. */
export function act(world: World, command: Command): void {
  world.network.note(() => `user: ${command.action} (${command.who}, ${command.size})`);
  DEEDS[command.action](world, command);
}

const DEEDS: Readonly<Record<Action, Deed>> = {
  listen: (world, { who, size }) => {
    const owner = running(world, who);
    if (owner === null || owner.servers.length > 4) return;
    const { acceptDepth, backlog } = world.settings;
    world.call(null, () => {
      const depth = size % 2 === 0 ? acceptDepth : { min: 1, max: acceptDepth };
      const socket = owner.pal.createServer('127.0.0.1', 0, {
        acceptDepth: depth,
        backlog,
        reuseSockets: size % 4 !== 1,
        deferAssociation: world.settings.defers,
      });
      addServer(owner, socket, []);
    });
  },
  closeServer: (world, { who }) => {
    const found = openServer(world, who);
    if (found === null) return;
    const { owner, server } = found;
    if (who % 4 === 0) closeServer(world, owner, server);
    else if (who % 4 === 1) world.call(null, () => owner.pal.pauseAccept(server.socket.handle));
    else world.call(null, () => owner.pal.resumeAccept(server.socket.handle));
  },
  accept: (world, { who }) => {
    const found = openServer(world, who);
    if (found !== null) acceptOne(world, found.owner, found.server);
  },
  connect: (world, { who }) => {
    connect(world, who);
  },
  connectByName: (world, { who, size }) => {
    connect(world, who, { addresses: NAMES[size % NAMES.length] ?? [], soon: size % 2 === 0 });
  },
  connectAndClose: (world, { who }) => {
    const side = connect(world, who);
    if (side !== null) world.close(side, who % 2 === 0);
  },
  connectNowhere: (world, { who }) => {
    const owner = running(world, who);
    if (owner === null || world.sides.length >= MAX_SIDES) return;
    // Port 1 refuses; TEST-NET-1 never answers, so only the timeout ends it.
    const refused = who % 2 === 0;
    const end = world.callback(null, 'connect to nowhere', (error: NetworkError | null) => {
      if (error === null) throw new Error('A connection to nowhere');
    });
    world.call(null, () => {
      owner.pal.asyncConnect(refused ? '127.0.0.1' : '192.0.2.1', 1, refused ? {} : { timeout: 700 }, end);
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
  readView: (world, { who }) => {
    const side = anySide(world, who);
    if (side !== null) startViewRead(world, side);
  },
  pinnedRead: (world, { who, size }) => {
    const side = anySide(world, who);
    const buffer = side === null ? null : pinned(side.owner, size);
    if (side !== null && buffer !== null) startRead(world, side, buffer);
  },
  write: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startWrite(world, side, [size]);
  },
  tryWrite: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) tryWrite(world, side, size);
  },
  writeList: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startWrite(world, side, [size, 1, 100, size]);
  },
  pinnedWrite: (world, { who, size }) => {
    const side = anySide(world, who);
    const buffer = side === null ? null : pinned(side.owner, size);
    if (side === null || buffer === null || !mayWrite(side)) return;
    buffer.set(streamBytes(side.stream, side.written, size));
    writeData(world, side, buffer, size);
  },
  sendFile: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startSendFile(world, side, size, (who >>> 3) % 2 === 0);
  },
  sendRevocableFile: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side !== null) startSendFile(world, side, size, (who >>> 3) % 2 === 0, who % 2 === 0 ? 1 + (size % 400) : null);
  },
  cancel: (world, { who, size }) => {
    const side = anySide(world, who);
    if (side === null || side.closing || !side.owner.running) return;
    if (side.connected) cancelTransfer(world, side, size % 2 === 0);
    else if (world.call(side, () => side.owner.pal.cancel(side.handle))) side.cancellation = true;
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
    if (shut(world, side, 'send')) side.sendShut = true;
  },
  shutReceive: (world, { who }) => {
    const side = anySide(world, who);
    if (side === null || !side.usable || who % 4 !== 0) return;
    if (shut(world, side, 'receive')) side.receiveShut = true;
  },
  shutBoth: (world, { who }) => {
    const side = anySide(world, who);
    if (side === null || !side.usable || who % 4 !== 0) return;
    if (!shut(world, side, 'both')) return;
    side.sendShut = true;
    side.receiveShut = true;
  },
  close: (world, { who }) => {
    const side = anySide(world, who);
    if (side !== null && !side.closing) world.close(side, false);
  },
  closeTwice: (world, { who }) => {
    const side = anySide(world, who);
    if (!side?.owner.running) return;
    world.close(side, false);
    world.close(side, who % 2 === 0);
  },
  reset: (world, { who }) => {
    const side = anySide(world, who);
    if (side !== null && side.owner.running && !side.closeSeen && who % 2 === 0) world.close(side, true);
  },
  useStale: (world, { who }) => {
    const side = anySide(world, who);
    if (side === null || !side.closing || !side.owner.running) return;
    const { pal } = side.owner;
    const told = world.callback(side, 'a read of a stale handle', (error: NetworkError | null) => {
      if (error?.kind !== NetworkErrorCode.ConnectionClosed) side.fail(`a stale handle read: ${error?.message}`);
    });
    if (!world.call(side, () => pal.asyncRead(side.handle, new Uint8Array(1), 1, told))) side.pending--;
    world.call(side, () => {
      pal.shutdown(side.handle, 'send');
      pal.setSocketOption(side.handle, 'NoDelay', true);
      pal.getSocketOption(side.handle, 'NoDelay');
      pal.unwatch(side.handle);
      for (const port of [pal.getLocalPort(side.handle), pal.getRemotePort(side.handle)]) {
        if (!Number.isInteger(port)) side.fail(`port ${port} of a stale handle`);
      }
    });
  },
  unref: (world, { who }) => {
    const side = anySide(world, who);
    if (!side?.usable) return;
    world.call(side, () => {
      if (who % 2 === 0) side.owner.pal.unref(side.handle);
      else side.owner.pal.ref(side.handle);
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
  ...LOOP_DEEDS,
};

export function acceptOne(world: World, owner: SimulatedPal, server: Server): void {
  const accepted = world.callback(null, 'accept', (error: NetworkError | null, client: SocketHandle, peer) => {
    server.pending--;
    if (error !== null) {
      const mayFail = world.settings.faults?.calls !== undefined && error.systemErrorCode !== undefined;
      if (server.open && owner.running && !mayFail) throw error;
      return;
    }
    const side = world.newSide(owner, 'served', client);
    side.connected = true;
    side.free = world.settings.defers;
    const { port } = peer as { port: number };
    world.pair(side, port);
    if (!owner.running) side.closing = true; // stopEventLoop closes it
  });
  server.pending++;
  if (!world.call(null, () => owner.pal.asyncAccept(server.socket.handle, accepted))) server.pending--;
}

/** As many accepts as could be answered. */
export function acceptAll(world: World, owner: SimulatedPal, server: Server): void {
  const waiting = world.sides.filter(
    ({ target, peer }) => target?.server.group === server.group && peer === null,
  ).length;
  if (server.open && owner.running) world.call(null, () => owner.pal.resumeAccept(server.socket.handle));
  for (let count = waiting - server.pending; count > 0 && server.open && owner.running; count--) {
    acceptOne(world, owner, server);
  }
}

export function closeServer(world: World, owner: SimulatedPal, server: Server): void {
  if (!server.open || !owner.running) return;
  server.open = false;
  const closed = world.callback(null, 'close of a server', () => {
    if (server.pending > 0) throw new Error(`A server closed with ${server.pending} accept callbacks owed`);
  });
  world.call(null, () => owner.pal.closeSocket(server.socket.handle, closed));
}

/** A name that a program connects to. */
interface Name {
  readonly addresses: readonly string[];
  /** The resolver answers inside the question. */
  readonly soon: boolean;
}

/** What names resolve to: addresses that refuse, and that never answer, before or behind the server's. */
const NAMES = [
  ['127.0.0.1'],
  ['::1', '127.0.0.1'],
  ['2001:db8:1::1', '127.0.0.1'],
  ['192.0.2.1', '127.0.0.2', '127.0.0.1', '2001:db8:1::1'],
  ['127.0.0.2', '::1', '2001:db8:2::1', '127.0.0.1', '198.51.100.1'],
] as const;

/** The answers come at any moment, and in any order. */
function resolver(world: World, { addresses, soon }: Name): LookupFunction {
  return (_name, { family }, callback) => {
    const entries = addresses.filter((address) => address.includes(':') === (family === 6));
    const answer = (): void =>
      callback(
        null,
        entries.map((address) => ({ address, family: family === 6 ? 6 : 4 })),
      );
    if (soon) answer();
    else world.network.agenda.add(new Step(`answer for IPv${family}`, answer, true));
  };
}

function connect(world: World, who: number, name: Name | null = null): Side | null {
  const found = openServer(world, who >>> 1);
  const owner = running(world, who);
  if (found === null || owner === null || world.sides.length >= MAX_SIDES) return null;
  const side = world.newSide(owner, 'client', 0 as SocketHandle);
  side.target = found;
  const timed = who % 3 === 0;
  side.timed = timed;
  const done = world.callback(side, 'connect', (error: NetworkError | null) => {
    if (error === null) {
      side.connected = true;
      if (name !== null) rememberPort(world, side);
    } else if (error.code === 'ECANCELED') {
      if (!side.closing && !side.cancellation) side.fail('a connect was cancelled on an open socket');
      side.closing = true;
    } else {
      // A connection that was broken before its callback counts as one that never was.
      const mayFail =
        side.mayBreak() ||
        found.server.group.some(({ open }) => !open) ||
        !found.owner.running ||
        world.settings.backlog === 1;
      side.closing = true;
      side.failed = true;
      // Of several attempts, another one may be the first.
      if ((name !== null || error.code === 'ERR_TOO_MANY_OPERATIONS') && world.settings.slots < 128) return;
      const timedOut = error.code === 'ETIMEDOUT' && timed;
      if (mayFail || timedOut || world.settings.faults?.calls !== undefined) return;
      side.fail(`no connection: ${error.message}`);
    }
  });
  const { port } = found.server.socket;
  const options = { ...(timed && { timeout: 5000 }), ...(name !== null && { lookup: resolver(world, name) }) };
  if (name !== null) world.strays = true;
  const called = world.call(side, () => {
    side.handle = owner.pal.asyncConnect(name === null ? '127.0.0.1' : 'host.test', port, options, done);
  });
  if (!called) {
    side.pending--;
    side.closing = true;
    side.closeSeen = true;
    return null;
  }
  if (name === null) rememberPort(world, side);
  return side;
}

function rememberPort(world: World, side: Side): void {
  const port = side.owner.portOf(side.handle);
  if (port !== null) world.remember(side, port);
}

function pinned(owner: SimulatedPal, size: number): Uint8Array | null {
  if (!owner.running || owner.pinned.length >= 4) return null;
  const buffer = owner.pal.allocateBuffer(size);
  owner.pinned.push(buffer);
  return buffer;
}
