/** The connecting side of a soak, over TCP and within one process. Each session ends with its socket closed. */
import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SocketHandle } from '../../src/index.ts';
import { streamBytes } from '../sim/support/pattern.ts';
import { connect, REFUSING_PORT } from '../support/io.ts';
import { BUFFER_BYTES, connected, someBytes, someStream, start, type Random } from './talk.ts';
import { EndedEarly, isTolerated, type SoakPal, type World } from './world.ts';
import { Wish, wishBytes } from './wishes.ts';

export async function echo(
  world: World,
  random: Random,
  wish: Wish,
  connecting?: Promise<SocketHandle>,
): Promise<void> {
  const { client } = world;
  const talk = async (socket: SocketHandle, stream: number): Promise<void> => {
    const total = someBytes(random);
    // A pinned one now and then: its memory goes back when it is garbage.
    const buffer = random(8) === 0 ? client.pal.allocateBuffer(BUFFER_BYTES) : Buffer.alloc(BUFFER_BYTES);
    await client.send(socket, wishBytes(wish, stream, total));
    for (let sent = 0; sent < total;) {
      const size = Math.min(total - sent, 1 + random(60_000));
      const data = streamBytes(stream, sent, size);
      const half = Math.floor(size / 2);
      const sending = client.send(
        socket,
        half > 0 && random(2) === 0 ? [data.subarray(0, half), data.subarray(half)] : data,
      );
      const [, received] = await Promise.allSettled([sending, client.receive(socket, stream, sent, size, buffer)]);
      await sending;
      if (received.status === 'rejected') throw received.reason;
      sent += size;
    }
    client.pal.shutdown(socket, 'send');
    await client.receiveEnd(socket);
  };
  await connected(world, random, talk, connecting);
}

export async function halfClose(world: World, random: Random): Promise<void> {
  const { client } = world;
  await connected(world, random, async (socket, stream) => {
    const total = someBytes(random);
    await client.send(socket, [wishBytes(Wish.Sink, stream, total), streamBytes(stream, 0, total)]);
    client.pal.shutdown(socket, 'send');
    await client.receive(socket, stream, 0, 1, Buffer.alloc(1));
    await client.receiveEnd(socket);
  });
}

export async function churn(world: World, random: Random): Promise<void> {
  if (random(2) === 0) return connected(world, random, () => Promise.resolve());
  // Closed while it connects: the callback comes all the same, with either end.
  const { pal } = world.client;
  const { address, port } = world.listening;
  let answers = 0;
  await new Promise<void>((resolve) => {
    const socket = pal.asyncConnect(address, port, {}, () => {
      answers++;
    });
    pal.closeSocket(socket, resolve);
  });
  if (answers !== 1) throw new Error(`asyncConnect was answered ${answers} times before its close callback`);
}

export async function slowReader(world: World, random: Random): Promise<void> {
  const { client } = world;
  await connected(world, random, async (socket, stream) => {
    const total = 100_000 + random(400_000);
    const buffer = Buffer.alloc(20_000);
    await client.send(socket, wishBytes(Wish.Source, stream, total));
    for (let got = 0; got < total;) {
      const bytes = await client.read(socket, buffer);
      if (bytes === 0) throw new EndedEarly(`The source ended after ${got} of ${total} bytes`);
      client.compare(buffer.subarray(0, bytes), stream, got);
      got += bytes;
      if (random(4) === 0) await sleep(random(20));
    }
    await client.receiveEnd(socket);
  });
}

export async function resetByUs(world: World, random: Random): Promise<void> {
  const { client } = world;
  const socket = await start(world, random);
  const stream = someStream(random);
  const total = someBytes(random);
  try {
    await client.send(socket, [wishBytes(Wish.Echo, stream, total), streamBytes(stream, 0, total)]);
    const part = 1 + random(total);
    await client.receive(socket, stream, 0, part, Buffer.alloc(BUFFER_BYTES));
  } finally {
    await client.reset(socket);
  }
}

export async function resetByServer(world: World, random: Random): Promise<void> {
  const { client } = world;
  await connected(world, random, async (socket, stream) => {
    const total = 1 + random(20_000);
    await client.send(socket, [wishBytes(Wish.Reset, stream, total), streamBytes(stream, 0, total)]);
    const bytes = await client.read(socket, Buffer.alloc(16)).catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 'ECONNRESET') return 0;
      throw error;
    });
    // A RST, or what the system makes of one.
    if (bytes !== 0) throw new Error(`${bytes} bytes came instead of a reset`);
  });
}

/** Every read has an end of some kind that may come first: no byte may be lost to that, and none come twice. */
export async function cancelReads(world: World, random: Random): Promise<void> {
  const { client } = world;
  await connected(world, random, async (socket, stream) => {
    const total = 1 + random(20_000);
    const buffer = Buffer.alloc(4096);
    await client.send(socket, wishBytes(Wish.Echo, stream, total));
    let [sent, got] = [0, 0];
    for (let attempt = 0; got < total; attempt++) {
      if (attempt > MOST_ATTEMPTS) throw new EndedEarly(`${attempt} reads have brought ${got} of ${total} bytes`);
      if (sent < total && random(2) === 0) {
        const size = Math.min(total - sent, 1 + random(6000));
        await client.send(socket, streamBytes(stream, sent, size));
        sent += size;
      }
      const bytes = await briefRead(client, socket, buffer, random);
      if (bytes === 0) throw new EndedEarly(`The echo ended after ${got} of ${total} bytes`);
      if (bytes === CANCELLED) continue;
      client.compare(buffer.subarray(0, bytes), stream, got);
      got += bytes;
    }
    client.pal.shutdown(socket, 'send');
    await client.receiveEnd(socket);
  });
}

/** Reads that may end with a cancel, before a session counts as stuck. */
const MOST_ATTEMPTS = 400;
const CANCELLED = -1;
/** Ends that were asked for. (An injected failure may have the same code; the connection is whole after that, too.) */
const ENDS = ['ETIMEDOUT', 'ECANCELED', 'ABORT_ERR'];
/** Longest time a read is given, ms: about what an answer takes. */
const LONGEST_READ_MS = 8;

/** One read that ends soon, by its timeout, by a signal, or by cancel(). */
function briefRead({ pal, idle }: SoakPal, socket: SocketHandle, buffer: Buffer, random: Random): Promise<number> {
  idle.touch(socket);
  const kind = random(3);
  const ms = random(LONGEST_READ_MS);
  const controller = new AbortController();
  const options = kind === 0 ? { timeout: 1 + ms } : kind === 1 ? { signal: controller.signal } : {};
  return new Promise((resolve, reject) => {
    const operation = pal.asyncRead(socket, buffer, buffer.length, options, (error, bytes) => {
      clearTimeout(timer);
      if (error === null) resolve(bytes);
      else if (ENDS.includes(error.code)) resolve(CANCELLED);
      else reject(error);
    });
    const end = (): void => {
      if (kind === 1) controller.abort();
      if (kind === 2) pal.cancel(operation);
    };
    const timer = setTimeout(end, ms);
  });
}

/** Whichever comes first: connected, or cancelled. */
export async function cancelConnect({ client, listening }: World, random: Random): Promise<void> {
  const { pal } = client;
  const code = await new Promise<string>((resolve) => {
    const socket = pal.asyncConnect(listening.address, listening.port, {}, (error) => {
      if (error === null) pal.closeSocket(socket, () => resolve('connected'));
      else resolve(error.code);
    });
    if (random(2) === 0) pal.cancel(socket);
    else setImmediate(() => pal.cancel(socket));
  });
  // Success wins over a late cancel. Anything else is an injected failure.
  if (code !== 'connected' && code !== 'ECANCELED') throw new EndedEarly(`The connect ended with ${code}`);
}

export async function closePending(world: World, random: Random): Promise<void> {
  const { client } = world;
  const { pal } = client;
  const socket = await start(world, random);
  const stream = someStream(random);
  let owed = 0;
  let wrong = '';
  const answered = (error: Error | null): void => {
    owed--;
    if (error !== null && !isTolerated(error)) wrong = error.message;
  };
  try {
    await client.send(socket, wishBytes(Wish.Silence, stream, 0));
    for (let count = 1 + random(3); count > 0; count--) {
      owed++;
      pal.asyncRead(socket, Buffer.alloc(100), 100, answered);
    }
    let offset = 0;
    for (let count = random(4); count > 0; count--) {
      const size = 1 + random(100_000);
      owed++;
      pal.asyncWrite(socket, streamBytes(stream, offset, size), answered);
      offset += size;
    }
    if (random(2) === 0) await sleep(random(5));
  } finally {
    await (random(3) === 0 ? client.reset(socket) : client.close(socket));
  }
  if (owed !== 0) throw new Error(`${owed} callbacks were owed when the close callback came`);
  if (wrong !== '') throw new Error(wrong);
}

export async function refused({ client }: World): Promise<void> {
  const code = await connect(client.pal, '127.0.0.1', REFUSING_PORT).then(
    () => 'nothing',
    (error: unknown) => {
      if (isTolerated(error)) throw error; // not a refusal, but a failure that was made
      return (error as { code?: string }).code;
    },
  );
  if (code !== 'ECONNREFUSED') throw new Error(`A connect to a port without a listener got ${code ?? 'an error'}`);
}

export async function serverChurn({ client }: World, random: Random): Promise<void> {
  const { pal } = client;
  const { handle } = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 + random(8) });
  let owed = 1 + random(4);
  for (let count = owed; count > 0; count--) {
    pal.asyncAccept(handle, () => {
      owed--;
    });
  }
  await new Promise<void>((resolve) => pal.closeSocket(handle, resolve));
  if (owed !== 0) throw new Error(`${owed} accepts were owed when the close callback came`);
}
