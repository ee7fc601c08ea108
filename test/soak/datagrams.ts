/**
 * UDP in a soak. Every datagram says in its first bytes which stream it is of and where it begins, so that whoever gets it
 * knows all of its bytes. One that is lost is sent again, as over any network: here it is when a call is made to fail.
 */
import { Buffer } from 'node:buffer';
import type { Destination, UdpHandle, UdpOptions } from '../../src/index.ts';
import { streamBytes } from '../sim/support/pattern.ts';
import { someStream, type Random } from './talk.ts';
import { EndedEarly, failUnlessTolerated, isTolerated, type SoakPal, type World } from './world.ts';

/** Bytes in front of a datagram: its stream, and the offset of what follows. */
const HEADER_BYTES = 8;
/** The longest one that is sent: fragments on any network, and more than a buffer of the sockets layer. */
const LONGEST_BODY = 40_000;
const LARGEST_DATAGRAM = 65_536;
/** Milliseconds that an answer is waited for. */
const ANSWER_MS = 1000;
/** Times that a datagram is sent, before the way there counts as closed. */
const MOST_SENDS = 8;
/** What a receive takes at most, where the system is to cut. */
const SHORT_RECEIVE_BYTES = 512;

/** Answers every datagram, until the PAL stops. Returns the number of callbacks that wait for one. */
export function answerDatagrams(world: World): number {
  const { pal } = world.server;
  const { handle } = world.datagrams;
  const buffer = Buffer.alloc(LARGEST_DATAGRAM);
  const next = (): void =>
    void pal.asyncReceiveFrom(handle, buffer, buffer.length, (error, bytes, peer) => {
      // Closed: no call of the system has failed, as it has when an operation was cancelled behind our back.
      if (error?.code === 'ECANCELED' && error.systemErrorCode === undefined) return;
      if (error !== null) failUnlessTolerated(world, 'receiving datagrams', error);
      // A copy: it must stay as it is until it has been sent.
      else answer(world, handle, Buffer.from(buffer.subarray(0, bytes)), peer);
      next();
    });
  next();
  return 1;
}

function answer(world: World, handle: UdpHandle, data: Buffer, peer: Destination): void {
  try {
    const { server } = world;
    compareDatagram(server, data, data.length);
    server.pal.asyncSendTo(handle, data, peer, (error) => {
      if (error !== null) failUnlessTolerated(world, 'answering a datagram', error);
    });
  } catch (error) {
    failUnlessTolerated(world, 'answering a datagram', error);
  }
}

/** Datagrams there and back, some with the socket connected to its peer, and some cut off by a small buffer. */
export async function datagrams(world: World, random: Random): Promise<void> {
  await withSocket(world, {}, async (handle) => {
    const stream = someStream(random);
    for (let count = 1 + random(6), offset = 0; count > 0; count--) {
      const bytes = random(6) === 0 ? random(LONGEST_BODY) : random(1400);
      const room = random(3) === 0 ? HEADER_BYTES + random(bytes + 1) : LARGEST_DATAGRAM;
      await exchange(world, handle, world.datagrams, { stream, offset, bytes, room });
      offset += bytes;
    }
  });
}

/** The same on a socket that is connected, and is not any more. */
export async function connectedDatagrams(world: World, random: Random): Promise<void> {
  const { pal } = world.client;
  await withSocket(world, {}, async (handle) => {
    const { address, port } = world.datagrams;
    const stream = someStream(random);
    pal.connectUdp(handle, address, port);
    for (let offset = 0; offset < 4; offset++) {
      const bytes = random(1400);
      await exchange(world, handle, null, { stream, offset, bytes, room: LARGEST_DATAGRAM });
    }
    pal.disconnectUdp(handle);
    await exchange(world, handle, world.datagrams, { stream, offset: 4, bytes: 100, room: LARGEST_DATAGRAM });
  });
}

/** Receives that are shorter than the datagrams, so that the system cuts them off. */
export async function cutDatagrams(world: World, random: Random): Promise<void> {
  await withSocket(world, { maxDatagramSize: SHORT_RECEIVE_BYTES }, async (handle) => {
    const stream = someStream(random);
    for (let count = 1 + random(4), offset = 0; count > 0; count--) {
      const bytes = random(3 * SHORT_RECEIVE_BYTES);
      await exchange(world, handle, world.datagrams, { stream, offset, bytes, room: SHORT_RECEIVE_BYTES });
      offset += bytes;
    }
  });
}

async function withSocket(
  { client }: World,
  options: UdpOptions,
  talk: (handle: UdpHandle) => Promise<void>,
): Promise<void> {
  const { handle } = client.pal.createUdpSocket('127.0.0.1', 0, options);
  try {
    await talk(handle);
  } finally {
    await new Promise<void>((resolve) => client.pal.closeSocket(handle, resolve));
  }
}

/** One datagram that is to come back. */
interface Exchange {
  readonly stream: number;
  readonly offset: number;
  /** Bytes behind the header. */
  readonly bytes: number;
  /** Bytes that the buffer has for the answer, the header's at least. */
  readonly room: number;
}

interface Answer {
  readonly data: Buffer;
  /** The datagram's own length, as far as it is known. */
  readonly size: number;
}

/** Sends until the answer has come, and compares it. */
async function exchange({ client }: World, handle: UdpHandle, to: Destination | null, sent: Exchange): Promise<void> {
  const { stream, offset, bytes, room } = sent;
  const header = headerBytes(stream, offset);
  const length = HEADER_BYTES + bytes;
  for (let sends = 0; sends < MOST_SENDS; sends++) {
    if (!(await send(client, handle, [header, streamBytes(stream, offset, bytes)], to))) continue;
    for (let got = await receive(client, handle, room); got !== null; got = await receive(client, handle, room)) {
      const { data, size } = got;
      compareDatagram(client, data, size);
      // Another one's is late: it was sent again in vain, perhaps by an earlier owner of the port.
      if (data.readUInt32LE(0) !== stream || data.readUInt32LE(4) !== offset) continue;
      const whole = length <= room;
      const expected = { bytes: Math.min(length, room), size: whole ? length : size === Infinity ? Infinity : length };
      if (data.length === expected.bytes && size === expected.size) return;
      throw new Error(`${data.length} bytes of ${size} came of a datagram of ${length}, into ${room}`);
    }
  }
  throw new EndedEarly(`A datagram was sent ${MOST_SENDS} times, and no answer came`);
}

/** Returns false when a failure was injected. */
function send(
  { pal }: SoakPal,
  handle: UdpHandle,
  data: readonly Uint8Array[],
  to: Destination | null,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    pal.asyncSendTo(handle, data, to, (error) => {
      if (error === null) resolve(true);
      else if (isTolerated(error)) resolve(false);
      else reject(error);
    });
  });
}

/** The next datagram; null when none comes in time, or a failure was injected. */
function receive({ pal }: SoakPal, handle: UdpHandle, room: number): Promise<Answer | null> {
  const buffer = Buffer.alloc(room);
  return new Promise((resolve, reject) => {
    pal.asyncReceiveFrom(handle, buffer, room, { timeout: ANSWER_MS }, (error, bytes, _, size) => {
      if (error === null) resolve({ data: buffer.subarray(0, bytes), size });
      else if (isTolerated(error)) resolve(null);
      else reject(error);
    });
  });
}

function headerBytes(stream: number, offset: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(stream, 0);
  header.writeUInt32LE(offset, 4);
  return header;
}

/** Compares what there is of a datagram of `size` bytes with its stream. */
function compareDatagram(owner: SoakPal, data: Buffer, size: number): void {
  if (data.length < HEADER_BYTES || size < data.length) {
    throw new Error(`A datagram of ${size} bytes came, ${data.length} of them: nobody sent such a one`);
  }
  owner.compare(data.subarray(HEADER_BYTES), data.readUInt32LE(0), data.readUInt32LE(4));
}
