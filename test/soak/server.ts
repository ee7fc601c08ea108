/** The serving side of a soak: each connection says in its first bytes what it wants. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { WouldBlock, type ServerHandle, type SocketHandle } from '../../src/index.ts';
import { ready } from '../tcp/readiness/watching.ts';
import { streamBytes } from '../sim/support/pattern.ts';
import { failUnlessTolerated, type SoakPal, type World } from './world.ts';
import { Wish, WISH_BYTES } from './wishes.ts';

/** The largest piece in which a source writes. */
const PIECE_BYTES = 48_000;
const BUFFER_BYTES = 16_384;
const DIGEST_BUFFER_BYTES = 65_536;
/** Accepts that wait at a time. */
const ACCEPTS = 4;

/** Accepts until the PAL stops. Returns the number of callbacks that wait for a connection. */
export function acceptAll({ pal }: SoakPal, server: ServerHandle, take: (socket: SocketHandle) => void): number {
  const accept = (): void =>
    void pal.asyncAccept(server, (error, client) => {
      if (error !== null) return; // the server was closed
      accept();
      take(client);
    });
  for (let count = 0; count < ACCEPTS; count++) accept();
  return ACCEPTS;
}

/** Does what the connection asks for, and closes it. Never rejects. */
export async function serveOne(world: World, owner: SoakPal, socket: SocketHandle): Promise<void> {
  try {
    await grant(owner, socket);
  } catch (error) {
    failUnlessTolerated(world, 'serving', error);
  } finally {
    await owner.close(socket);
  }
}

async function grant(owner: SoakPal, socket: SocketHandle): Promise<void> {
  const wish = Buffer.alloc(WISH_BYTES);
  let filled = 0;
  while (filled < WISH_BYTES) {
    const bytes = await owner.read(socket, wish.subarray(filled));
    if (bytes === 0) return; // somebody who connects and goes
    filled += bytes;
  }
  const stream = wish.readUInt32LE(4);
  const length = wish.readUInt32LE(8);
  switch (wish.readUInt32LE(0)) {
    case Wish.Echo:
      return echo(owner, socket, stream);
    case Wish.WatchEcho:
      return watchEcho(owner, socket, stream);
    case Wish.Source:
      return source(owner, socket, stream, length);
    case Wish.Sink:
      return sink(owner, socket, stream);
    case Wish.Reset:
      await owner.receive(socket, stream, 0, length, Buffer.alloc(BUFFER_BYTES));
      return owner.reset(socket);
    case Wish.Silence:
      await sinkAll(owner, socket, stream);
      return;
    case Wish.Digest:
      return digest(owner, socket);
    default:
      throw new Error(`A wish that nobody sent: ${wish.toString('hex')}`);
  }
}

async function echo(owner: SoakPal, socket: SocketHandle, stream: number): Promise<void> {
  const buffer = Buffer.alloc(BUFFER_BYTES);
  for (let offset = 0; ;) {
    const bytes = await owner.read(socket, buffer);
    if (bytes === 0) return;
    owner.compare(buffer.subarray(0, bytes), stream, offset);
    offset += bytes;
    await owner.send(socket, buffer.subarray(0, bytes));
  }
}

async function watchEcho(owner: SoakPal, socket: SocketHandle, stream: number): Promise<void> {
  const { pal, idle } = owner;
  const buffer = Buffer.alloc(BUFFER_BYTES);
  for (let offset = 0; ;) {
    idle.touch(socket);
    const bytes = pal.tryRead(socket, buffer);
    if (bytes === 0) return;
    if (bytes === WouldBlock) {
      await ready(pal, socket, { readable: true });
      continue;
    }
    owner.compare(buffer.subarray(0, bytes), stream, offset);
    offset += bytes;
    for (let written = 0; written < bytes;) {
      const taken = pal.tryWrite(socket, buffer.subarray(written, bytes));
      if (taken === WouldBlock) await ready(pal, socket, { writable: true });
      else written += taken;
    }
  }
}

async function source(owner: SoakPal, socket: SocketHandle, stream: number, length: number): Promise<void> {
  const writes: Promise<void>[] = [];
  for (let offset = 0; offset < length; offset += PIECE_BYTES) {
    writes.push(owner.send(socket, streamBytes(stream, offset, Math.min(PIECE_BYTES, length - offset))));
  }
  // All of them are under way at once. Every one must be answered, also when the first has failed.
  const failed = (await Promise.allSettled(writes)).find((write) => write.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function sink(owner: SoakPal, socket: SocketHandle, stream: number): Promise<void> {
  await sinkAll(owner, socket, stream);
  await owner.send(socket, streamBytes(stream, 0, 1));
}

async function sinkAll(owner: SoakPal, socket: SocketHandle, stream: number): Promise<void> {
  const buffer = Buffer.alloc(BUFFER_BYTES);
  for (let offset = 0; ;) {
    const bytes = await owner.read(socket, buffer);
    if (bytes === 0) return;
    owner.compare(buffer.subarray(0, bytes), stream, offset);
    offset += bytes;
  }
}

async function digest(owner: SoakPal, socket: SocketHandle): Promise<void> {
  const buffer = Buffer.alloc(DIGEST_BUFFER_BYTES);
  const hash = createHash('sha256');
  for (let bytes = await owner.read(socket, buffer); bytes > 0; bytes = await owner.read(socket, buffer)) {
    hash.update(buffer.subarray(0, bytes));
  }
  await owner.send(socket, hash.digest());
}
