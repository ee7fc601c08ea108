/** The serving side of a soak: each connection says in its first bytes what it wants. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { WouldBlock, type ServerHandle, type SocketHandle } from '../../src/index.ts';
import { ready } from '../readiness/watching.ts';
import { streamBytes } from '../sim/support/pattern.ts';
import { failUnlessTolerated, type Party, type World } from './world.ts';
import { Wish, WISH_BYTES } from './wishes.ts';

/** The largest piece in which a source writes. */
const PIECE_BYTES = 48_000;
const BUFFER_BYTES = 16_384;
const DIGEST_BUFFER_BYTES = 65_536;
/** Accepts that wait at a time. */
const ACCEPTS = 4;

/** Accepts until the PAL stops. Returns the number of callbacks that wait for a connection. */
export function acceptAll({ pal }: Party, server: ServerHandle, take: (socket: SocketHandle) => void): number {
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
export async function serveOne(world: World, party: Party, socket: SocketHandle): Promise<void> {
  try {
    await grant(party, socket);
  } catch (error) {
    failUnlessTolerated(world, 'serving', error);
  } finally {
    await party.close(socket);
  }
}

async function grant(party: Party, socket: SocketHandle): Promise<void> {
  const wish = Buffer.alloc(WISH_BYTES);
  let filled = 0;
  while (filled < WISH_BYTES) {
    const bytes = await party.read(socket, wish.subarray(filled));
    if (bytes === 0) return; // somebody who connects and goes
    filled += bytes;
  }
  const stream = wish.readUInt32LE(4);
  const length = wish.readUInt32LE(8);
  switch (wish.readUInt32LE(0)) {
    case Wish.Echo:
      return echo(party, socket, stream);
    case Wish.WatchEcho:
      return watchEcho(party, socket, stream);
    case Wish.Source:
      return source(party, socket, stream, length);
    case Wish.Sink:
      return sink(party, socket, stream);
    case Wish.Reset:
      await party.receive(socket, stream, 0, length, Buffer.alloc(BUFFER_BYTES));
      return party.reset(socket);
    case Wish.Silence:
      await sinkAll(party, socket, stream);
      return;
    case Wish.Digest:
      return digest(party, socket);
    default:
      throw new Error(`A wish that nobody sent: ${wish.toString('hex')}`);
  }
}

async function echo(party: Party, socket: SocketHandle, stream: number): Promise<void> {
  const buffer = Buffer.alloc(BUFFER_BYTES);
  for (let offset = 0; ;) {
    const bytes = await party.read(socket, buffer);
    if (bytes === 0) return;
    party.compare(buffer.subarray(0, bytes), stream, offset);
    offset += bytes;
    await party.send(socket, buffer.subarray(0, bytes));
  }
}

async function watchEcho(party: Party, socket: SocketHandle, stream: number): Promise<void> {
  const { pal, idle } = party;
  const buffer = Buffer.alloc(BUFFER_BYTES);
  for (let offset = 0; ;) {
    idle.touch(socket);
    const bytes = pal.tryRead(socket, buffer);
    if (bytes === 0) return;
    if (bytes === WouldBlock) {
      await ready(pal, socket, { readable: true });
      continue;
    }
    party.compare(buffer.subarray(0, bytes), stream, offset);
    offset += bytes;
    for (let written = 0; written < bytes;) {
      const taken = pal.tryWrite(socket, buffer.subarray(written, bytes));
      if (taken === WouldBlock) await ready(pal, socket, { writable: true });
      else written += taken;
    }
  }
}

async function source(party: Party, socket: SocketHandle, stream: number, length: number): Promise<void> {
  const writes: Promise<void>[] = [];
  for (let offset = 0; offset < length; offset += PIECE_BYTES) {
    writes.push(party.send(socket, streamBytes(stream, offset, Math.min(PIECE_BYTES, length - offset))));
  }
  // All of them are under way at once. Every one must be answered, also when the first has failed.
  const failed = (await Promise.allSettled(writes)).find((write) => write.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function sink(party: Party, socket: SocketHandle, stream: number): Promise<void> {
  await sinkAll(party, socket, stream);
  await party.send(socket, streamBytes(stream, 0, 1));
}

async function sinkAll(party: Party, socket: SocketHandle, stream: number): Promise<void> {
  const buffer = Buffer.alloc(BUFFER_BYTES);
  for (let offset = 0; ;) {
    const bytes = await party.read(socket, buffer);
    if (bytes === 0) return;
    party.compare(buffer.subarray(0, bytes), stream, offset);
    offset += bytes;
  }
}

async function digest(party: Party, socket: SocketHandle): Promise<void> {
  const buffer = Buffer.alloc(DIGEST_BUFFER_BYTES);
  const hash = createHash('sha256');
  for (let bytes = await party.read(socket, buffer); bytes > 0; bytes = await party.read(socket, buffer)) {
    hash.update(buffer.subarray(0, bytes));
  }
  await party.send(socket, hash.digest());
}
