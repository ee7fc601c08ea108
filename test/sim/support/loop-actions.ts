/** What the commands of a program do between loops: sockets that move and are shared, and submissions from outside. */
import { expect } from 'chai';
import type { NetworkError, SocketHandle, SocketInfo, TransferToken } from '../../../src/index.ts';
import { addServer, anySide, openServer, running } from './choosing.ts';
import type { SimulatedPal } from './simulated-pal.ts';
import { streamBytes } from './pattern.ts';
import type { Deed } from './program.ts';
import type { Side } from './side.ts';
import { mayWrite, writeBroke } from './transfers.ts';
import type { World } from './world.ts';

/** Servers of one PAL at most. */
const MAX_SERVERS = 6;

export const LOOP_DEEDS: Readonly<
  Record<'transfer' | 'exportSocket' | 'shareServer' | 'remoteWrite' | 'remoteClose' | 'remotePost', Deed>
> = {
  transfer: (world, { who, size }) => {
    const side = movable(world, who);
    if (side === null) return;
    let token: TransferToken | undefined;
    move(world, side, () => (token = side.owner.pal.transfer(side.handle)));
    if (token === undefined) return;
    const taken: TransferToken = token;
    const copy = structuredClone(taken);
    const others = world.pals.filter((owner) => owner.running && owner.platform === side.owner.platform);
    const newOwner = others[size % (others.length + 1)];
    // Nobody receives it: its connection is reset when the loop stops.
    if (newOwner === undefined) return lose(side);
    settle(side, newOwner, newOwner.pal.receiveTransfer(copy));
    expect(() => newOwner.pal.receiveTransfer(taken))
      .to.throw(Error)
      .with.property('code', 'ERR_TOKEN_USED');
  },
  exportSocket: (world, { who, size }) => {
    const side = movable(world, who);
    const newOwner = running(world, size);
    if (side === null || newOwner === null) return;
    let info: SocketInfo | undefined;
    move(world, side, () => (info = side.owner.pal.exportSocket(side.handle, newOwner.platform.processId)));
    if (info === undefined) return;
    const taken = info;
    let handle = 0 as SocketHandle;
    const take = (): void => void (handle = newOwner.pal.importSocket(taken));
    // What a failure leaves can be taken all the same.
    if (!world.call(null, take)) newOwner.withoutFaults(take);
    settle(side, newOwner, handle);
    newOwner.withoutFaults(() => {
      expect(() => newOwner.pal.importSocket(taken))
        .to.throw(Error)
        .with.property('code', 'ERR_TOKEN_USED');
    });
  },
  shareServer: (world, { who, size }) => {
    const found = openServer(world, who);
    const newOwner = running(world, size);
    if (found === null || newOwner === null || newOwner.servers.length >= MAX_SERVERS) return;
    let info: SocketInfo | undefined;
    world.call(
      null,
      () => (info = found.owner.pal.exportSocket(found.server.socket.handle, newOwner.platform.processId)),
    );
    if (info === undefined) return;
    const taken = info;
    const options = { acceptDepth: world.settings.acceptDepth, deferAssociation: world.settings.defers };
    const import_ = (): void => addServer(newOwner, newOwner.pal.importServer(taken, options), found.server.group);
    if (world.call(null, import_)) return;
    // A failure before the socket was taken leaves a duplicate that nobody has; one behind it has closed it.
    newOwner.withoutFaults(() => {
      try {
        import_();
      } catch (error) {
        expect(error).to.have.property('code', 'ERR_TOKEN_USED');
      }
    });
  },
  remoteWrite: (world, { who, size }) => {
    const side = world.sides[who % Math.max(1, world.sides.length)];
    if (side?.usable !== true || side.sendShut || !mayWrite(side)) return;
    const count = Math.min(size, side.owner.remote.maxBytes);
    const data = Buffer.from(streamBytes(side.stream, side.written, count));
    side.free = false;
    if (submit(world, side.owner, () => side.owner.remote.write(side.handle, data))) {
      side.written += count;
      side.submitted = side.owner.submitted;
    }
    data.fill(0); // it was copied
  },
  remoteClose: (world, { who }) => {
    const side = world.sides[who % Math.max(1, world.sides.length)];
    if (side?.usable !== true || who % 2 === 0) return;
    if (!submit(world, side.owner, () => side.owner.remote.close(side.handle))) return;
    side.submitted = side.owner.submitted;
    side.closing = true;
    side.closedAt = world.now;
  },
  remotePost: (world, { who }) => {
    const owner = running(world, who);
    if (owner !== null) post(world, owner);
  },
};

/** Posts the number of the post, and sees to it that they are heard in order. */
export function post(world: World, owner: SimulatedPal): void {
  if (owner.post === 0) {
    owner.post = owner.pal.onRemotePost((message) => {
      world.requireOutside('a post');
      const number = Buffer.from(message).readUInt32LE(0);
      if (number !== owner.heard) throw new Error(`Post ${number} was heard in the place of ${owner.heard}`);
      owner.heard++;
    });
  }
  const message = Buffer.alloc(4);
  message.writeUInt32LE(owner.posted);
  if (submit(world, owner, () => owner.remote.post(owner.post, message))) owner.posted++;
}

/** What could not be carried out of what was submitted. */
export function submissionFailed(side: Side | undefined, error: NetworkError): void {
  if (side === undefined) throw error;
  const isOver = error.code === 'ECANCELED' || error.code === 'ERR_SOCKET_CLOSED';
  if (!isOver) writeBroke(side, error);
  else if (!side.closing && !side.mayBreak()) side.fail(`a submission met ${error.code} on an open socket`);
  else side.flushFailed = true;
}

/** Makes a submission. True when it is queued, also when the loop could not be woken for it. */
function submit(world: World, owner: SimulatedPal, make: () => void): boolean {
  let error: NetworkError | null = null;
  const judged = (): void => {
    try {
      make();
    } catch (failure) {
      error = failure as NetworkError;
      if (error.code !== 'ERR_REMOTE_QUEUE_FULL') throw error;
    }
  };
  world.call(null, judged);
  const failure = error as NetworkError | null;
  const queued = failure === null || failure.syscall === 'PostQueuedCompletionStatus';
  if (queued) owner.submitted++;
  return queued;
}

/** A side that may go to another loop: nobody waits for anything of it. */
function movable(world: World, who: number): Side | null {
  const side = anySide(world, who);
  return side !== null && side.usable && side.pending === 0 && !side.watching ? side : null;
}

/** Only a connection that was used may refuse to go. */
function move(world: World, side: Side, go: () => void): void {
  world.call(side, () => {
    try {
      go();
    } catch (error) {
      if ((error as NetworkError).code !== 'ERR_SOCKET_ASSOCIATED') throw error;
      if (side.free) side.fail('a connection that was never used is tied to its loop');
    }
  });
}

function settle(side: Side, newOwner: SimulatedPal, handle: SocketHandle): void {
  side.owner = newOwner;
  side.handle = handle;
  side.submitted = 0;
}

function lose(side: Side): void {
  side.closing = true;
  side.closeSeen = true;
  side.wasReset = true;
}
