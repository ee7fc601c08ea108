/** asyncSendFile in a soak. What comes at the other end is proven by its digest, which that end makes. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NetworkError } from '../../src/index.ts';
import { type SocketHandle } from '../../src/index.ts';
import { streamBytes } from '../sim/support/pattern.ts';
import { sendFile } from '../support/io.ts';
import { underWine } from '../support/wine.ts';
import { connected, type Random } from './talk.ts';
import { EndedEarly, type SoakPal, type World } from './world.ts';
import { Wish, wishBytes } from './wishes.ts';
import { remove } from '../../scripts/remove.mjs';

/** Three pieces for TransmitFile, the last one odd: long enough to be cancelled in the middle. */
const FILE_BYTES = 2_500_001;
/**
 * One file in so many goes through TransmitFile, the others are read and sent. Wine 8 loses 64 KiB of the process's memory
 * in each call of TransmitFile (measured with calls of its own, no library in between): a few do not show in the RSS.
 */
const TRANSMITTED_ONE_IN = { windows: 2, wine: 64 };
/** Of it, so much is sent where all of it is to arrive. */
const LONGEST_PART = 300_000;
const LONGEST_FRAME = 2000;
const DIGEST_BYTES = 32;
/** Longest time, ms, before a file is taken back: about what sending it takes. */
const LONGEST_SEND_MS = 12;
/** What a file that was taken back ends with. (So do injected failures: the connection is judged by what had been sent.) */
const TAKEN_BACK = ['ECANCELED', 'ABORT_ERR'];
/** What reading says after a connection was reset by this side. */
const RESET = ['ECANCELED', 'ECONNABORTED', 'ECONNRESET', 'EPIPE', 'ERR_SOCKET_CLOSED', 'ENOTCONN'];

/** A file, and what is in it. */
export interface SoakFile {
  readonly path: string;
  /** A descriptor of it that stays open. */
  readonly fd: number;
  readonly bytes: Buffer;
  /** One in so many goes through TransmitFile. */
  readonly transmittedOneIn: number;
  /** Closes and deletes it. */
  remove(): void;
}

/** Writes the file. */
export function makeFile(): SoakFile {
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-soak-'));
  const file = path.join(folder, 'sent.bin');
  const pieces: Uint8Array[] = [];
  // A stream repeats itself after a million bytes; the file is of several.
  for (let left = FILE_BYTES, stream = 1; left > 0; left -= LONGEST_PART, stream++) {
    pieces.push(streamBytes(stream, 0, Math.min(left, LONGEST_PART)));
  }
  const bytes = Buffer.concat(pieces);
  writeFileSync(file, bytes);
  const fd = openSync(file, 'r');
  return {
    path: file,
    fd,
    bytes,
    transmittedOneIn: underWine ? TRANSMITTED_ONE_IN.wine : TRANSMITTED_ONE_IN.windows,
    remove: () => {
      closeSync(fd);
      remove(folder);
    },
  };
}

/** A part of the file between a head and a tail, by path or descriptor, by TransmitFile or not. */
export async function fileSent(world: World, random: Random): Promise<void> {
  const { client, file } = world;
  await connected(world, random, async (socket, stream) => {
    const length = random(LONGEST_PART);
    const offset = random(FILE_BYTES - length);
    const head = streamBytes(stream, 0, random(LONGEST_FRAME));
    const tail = streamBytes(stream, LONGEST_FRAME, random(LONGEST_FRAME));
    await client.send(socket, wishBytes(Wish.Digest, 0, 0));
    const source = random(2) === 0 ? file.path : file.fd;
    const options = { offset, length, head, tail, transmitFile: random(file.transmittedOneIn) === 0 };
    const bytes = await sendFile(client.pal, socket, source, options);
    const sent = [head, file.bytes.subarray(offset, offset + length), tail];
    await requireDigest(client, socket, bytes, sent);
  });
}

/** A file that is taken back, now and then too late. */
export async function fileCancelled(world: World, random: Random): Promise<void> {
  const { client, file } = world;
  await connected(world, random, async (socket) => {
    await client.send(socket, wishBytes(Wish.Digest, 0, 0));
    const { error, bytes } = await briefSend(client, socket, file, random);
    if (error !== null && !TAKEN_BACK.includes(error.code)) throw error;
    if (error === null) return requireDigest(client, socket, bytes, [file.bytes]);
    // Nothing may follow a hole: an end in good order would pass for the end of the file.
    if (bytes > 0) return requireReset(client, socket);
    return requireDigest(client, socket, 0, []).catch((failure: unknown) => {
      // It had been handed to the system, which had not taken a byte yet: that is a reset as well.
      if (!RESET.includes((failure as { code?: string }).code ?? '')) throw failure;
    });
  });
}

function briefSend(
  { pal }: SoakPal,
  socket: SocketHandle,
  file: SoakFile,
  random: Random,
): Promise<{ error: NetworkError | null; bytes: number }> {
  const kind = random(3);
  const controller = new AbortController();
  const transmitFile = random(file.transmittedOneIn) === 0;
  const options = { transmitFile, ...(kind === 0 ? { signal: controller.signal } : {}) };
  return new Promise((resolve) => {
    const operation = pal.asyncSendFile(socket, file.path, options, (error, bytes) => {
      clearTimeout(timer);
      resolve({ error, bytes });
    });
    const end = (): void => {
      if (kind === 0) controller.abort();
      else pal.cancel(operation, { hard: kind === 1 });
    };
    const timer = setTimeout(end, random(LONGEST_SEND_MS));
  });
}

/** Ends the stream, and compares what the other end says of it with what it should have got. */
async function requireDigest(
  owner: SoakPal,
  socket: SocketHandle,
  bytes: number,
  sent: readonly Uint8Array[],
): Promise<void> {
  const total = sent.reduce((sum, { length }) => sum + length, 0);
  if (bytes !== total) throw new Error(`asyncSendFile says that ${bytes} bytes were sent, of ${total}`);
  owner.pal.shutdown(socket, 'send');
  const answer = Buffer.alloc(DIGEST_BYTES);
  for (let got = 0; got < DIGEST_BYTES;) {
    const count = await owner.read(socket, answer.subarray(got));
    if (count === 0) throw new EndedEarly(`The digest ended after ${got} bytes`);
    got += count;
  }
  const hash = createHash('sha256');
  for (const piece of sent) hash.update(piece);
  if (!hash.digest().equals(answer))
    throw new Error(`A file of ${total} bytes has come with another digest: corruption`);
  owner.bytesVerified += total;
}

/** No digest may come. */
async function requireReset(owner: SoakPal, socket: SocketHandle): Promise<void> {
  const code = await owner.read(socket, Buffer.alloc(DIGEST_BYTES)).then(
    (bytes) => `${bytes} bytes`,
    (error: unknown) => (error as { code?: string }).code ?? '',
  );
  if (code === `${DIGEST_BYTES} bytes`) throw new Error('A truncated file ended in good order');
  if (!RESET.includes(code)) throw new EndedEarly(`Reading after a file was truncated: ${code}`);
}
