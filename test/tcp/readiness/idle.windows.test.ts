/**
 * The receive of an idle connection holds no buffer, that of a busy one does; and on the way from one to the other no
 * byte is lost. The sweep that finds the idle ones is due every 15 s; here it comes when a test says so.
 */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import type { NetworkPal, SocketHandle } from '../../../src/index.ts';
import { beds, onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { accept, connect, pair, read, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { Sweeps } from '../../support/sweeps.ts';
import { turns, until } from '../../support/until.ts';

/** Bytes of an operation's context: what a receive without a buffer pins. */
const CONTEXT_BYTES = 128;
/** Bytes of the smallest block. */
const BLOCK_BYTES = 512;

const nothing = (): void => undefined;

onEveryBed('an idle connection', (bed) => {
  const sweeps = new Sweeps();
  const fixture = testPal(bed, sweeps.options);

  /** Two connected sockets and nothing else that pins memory. */
  async function aPair(): Promise<{ pal: NetworkPal; client: SocketHandle; served: SocketHandle }> {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    pal.closeSocket(server.handle);
    await until(
      () => pal.stats().pinnedBytes === 0,
      () => `nothing to be pinned, but ${pal.stats().pinnedBytes} bytes are`,
      bed,
    );
    return { pal, client, served };
  }

  const pinned = (pal: NetworkPal, bytes: number): Promise<void> =>
    until(
      () => pal.stats().pinnedBytes === bytes,
      () => `${bytes} pinned bytes; there are ${pal.stats().pinnedBytes}`,
      bed,
    );

  /** Sweeps until no more than that is pinned. */
  const sweptTo = (pal: NetworkPal, bytes: number): Promise<void> =>
    sweeps.until(
      () => pal.stats().pinnedBytes === bytes,
      () => `sweeps to leave ${bytes} pinned bytes; there are ${pal.stats().pinnedBytes}`,
    );

  it('that waits for its first bytes pins its context only', async () => {
    const { pal, client } = await aPair();
    pal.asyncRead(client, new Uint8Array(65536), 65536, nothing);
    expect(pal.stats().pinnedBytes).to.equal(CONTEXT_BYTES);
  });

  it('becomes busy with the first bytes, and idle again after a while', async () => {
    const { pal, client, served } = await aPair();
    const reading = readExactly(pal, client, 10);
    await write(pal, served, seededBytes(10));
    await reading;
    pal.asyncRead(client, new Uint8Array(100), 100, nothing);
    expect(pal.stats().pinnedBytes, 'busy').to.equal(CONTEXT_BYTES + BLOCK_BYTES);
    // How often a receive was posted again: a call on completion ports, a cancelled operation on WSAPoll.
    const reposts = (): number =>
      bed.name.startsWith('iocp') ? (pal.stats().syscalls['WSARecv'] ?? 0) : pal.stats().inlineCompletions;
    const before = reposts();
    await sweptTo(pal, CONTEXT_BYTES);
    expect(pal.stats().pendingCallbacks, 'the read is still waiting').to.equal(1);
    for (let more = 0; more < 3; more++) {
      await sweeps.sweep();
      await turns(5, bed);
    }
    expect(sweeps.isPlanned, 'there is nothing to look for').to.equal(false);
    expect(reposts() - before, 'once idle, left alone').to.be.at.most(1);
    await write(pal, served, seededBytes(10, 2));
    await pinned(pal, 0);
  });

  it('whose buffer was reclaimed still gets what comes', async () => {
    const { pal, client, served } = await aPair();
    for (let round = 0; round < 3; round++) {
      await write(pal, served, seededBytes(10, round));
      expect((await readExactly(pal, client, 10)).equals(seededBytes(10, round))).to.equal(true);
      const reading = read(pal, client);
      await sweptTo(pal, CONTEXT_BYTES);
      await write(pal, served, seededBytes(30, round));
      expect((await reading).equals(seededBytes(30, round))).to.equal(true);
    }
  });

  it('that is used more often than the sweep comes keeps its buffer', async () => {
    const { pal, client, served } = await aPair();
    let messages = 0;
    const buffer = new Uint8Array(100);
    const next = (): void =>
      void pal.asyncRead(client, buffer, 100, (error) => {
        if (error !== null) return;
        messages++;
        next();
      });
    next();
    const hear = async (count: number): Promise<void> => {
      await write(pal, served, seededBytes(1));
      await until(
        () => messages === count,
        () => `${count} messages; came: ${messages}`,
        bed,
      );
    };
    await hear(1);
    const cancelled = pal.stats().syscalls['CancelIoEx'] ?? 0;
    for (let count = 2; count <= 20; count++) {
      expect(sweeps.isPlanned).to.equal(true);
      await sweeps.sweep();
      await turns(5, bed);
      expect(pal.stats().pinnedBytes, 'still busy').to.equal(CONTEXT_BYTES + BLOCK_BYTES);
      await hear(count);
    }
    expect((pal.stats().syscalls['CancelIoEx'] ?? 0) - cancelled, 'receives cancelled').to.equal(0);
  });

  it('lends a pinned buffer of the user at once, and leaves it there', async () => {
    const { pal, client, served } = await aPair();
    const buffer = pal.allocateBuffer(64);
    const own = pal.stats().pinnedBytes;
    const reading = new Promise((resolve) => pal.asyncRead(client, buffer, 64, (_error, bytes) => resolve(bytes)));
    for (let count = 0; count < 3; count++) {
      await sweeps.sweep();
      await turns(5, bed);
    }
    expect(pal.stats().pinnedBytes).to.equal(own + CONTEXT_BYTES);
    await write(pal, served, seededBytes(10));
    expect(await reading).to.equal(10);
    expect(buffer.subarray(0, 10).equals(seededBytes(10))).to.equal(true);
  });

  it("shutdown('receive') and close while the buffer is being taken back: each read ends once", async () => {
    const { pal, client, served } = await aPair();
    for (const socket of [client, served]) {
      pal.asyncWrite(socket, seededBytes(1), nothing);
    }
    await Promise.all([client, served].map((socket) => readExactly(pal, socket, 1)));
    const outcomes = new Outcomes();
    pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect('read'));
    pal.asyncRead(served, new Uint8Array(10), 10, outcomes.expect('peer read'));
    await sweeps.until(
      () => pal.stats().pinnedBytes < 2 * (CONTEXT_BYTES + BLOCK_BYTES),
      () => 'a sweep to take a buffer back',
    );
    pal.shutdown(client, 'receive');
    pal.closeSocket(served, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect([...outcomes.log].sort()).to.deep.equal(['close ok', 'peer read ECANCELED', 'read ok']);
    expect(outcomes.values.get('read')).to.equal(0);
  });
});

onEveryBed('data that comes in the moment a connection is found idle', (bed) => {
  const sweeps = new Sweeps();
  const fixture = testPal(bed, sweeps.options);

  it('is never lost, repeated or out of order', async () => {
    const { pal } = fixture;
    const connections = 16;
    const leastMessages = 60;
    const mostMessages = 5000;
    // WSAPoll cancels without a call; on completion ports the count shows that the race was run, whatever that takes here.
    const cancels = (): number => (bed.name.startsWith('iocp') ? (pal.stats().syscalls['CancelIoEx'] ?? 0) : Infinity);
    const goesOn = (message: number): boolean =>
      message < leastMessages || (cancels() <= connections && message < mostMessages);
    let talking = connections;
    const sweeping = (async (): Promise<void> => {
      for (let count = 0; talking > 0; count++) {
        await sweeps.sweep();
        await turns(count % 4, bed);
      }
    })();
    await Promise.all(
      Array.from({ length: connections }, async (_, index) => {
        const { client, served } = await pair(pal);
        const random = seededBytes(4096, index + 1);
        const sent: Buffer[] = [];
        const received: Buffer[] = [];
        let total = 0;
        const receiving = (async (): Promise<void> => {
          for (;;) {
            const chunk = await read(pal, client, 600);
            if (chunk.length === 0) return;
            received.push(chunk);
          }
        })();
        for (let message = 0; goesOn(message); message++) {
          const value = random[message % random.length] ?? 0;
          const data = seededBytes(1 + value * 4, index * 10_000 + message);
          sent.push(data);
          total += data.length;
          await write(pal, served, data);
          // Pauses of zero to some three sweeps, most of them close to the second, when the receive is cancelled.
          await turns(value < 200 ? 3 + (value % 8) : value % 5, bed);
        }
        pal.shutdown(served, 'send');
        await receiving;
        const all = Buffer.concat(received);
        expect(all.length, `connection ${index}`).to.equal(total);
        expect(all.equals(Buffer.concat(sent)), `connection ${index}`).to.equal(true);
      }),
    ).finally(() => (talking = 0));
    await sweeping;
    expect(cancels(), 'receives cancelled').to.be.greaterThan(connections);
  });
});

onEveryBed('bytes for a buffer that is detached', (bed) => {
  const fixture = testPal(bed);

  function detachedRead(pal: NetworkPal, socket: SocketHandle): Promise<string | undefined> {
    const buffer = new Uint8Array(100);
    return new Promise((resolve) => {
      pal.asyncRead(socket, buffer, 100, (error) => resolve(error?.code));
      structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
    });
  }

  it('are the next read’s: that one gets an error, and the stream has no hole', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const broken = detachedRead(pal, client);
    await write(pal, served, seededBytes(40));
    expect(await broken).to.equal('ERR_BUFFER_DETACHED');
    const first = await read(pal, client, 15);
    const rest = await read(pal, client, 100);
    expect(first.length, 'as much as is asked for').to.equal(15);
    expect(Buffer.concat([first, rest]).equals(seededBytes(40))).to.equal(true);
    await write(pal, served, seededBytes(20, 2));
    expect((await readExactly(pal, client, 20)).equals(seededBytes(20, 2))).to.equal(true);
  });

  it('go to reads that wait already, one of them detached too', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const codes = [detachedRead(pal, client), detachedRead(pal, client)];
    const waiting = read(pal, client, 30);
    await write(pal, served, seededBytes(40));
    expect(await Promise.all(codes)).to.deep.equal(['ERR_BUFFER_DETACHED', 'ERR_BUFFER_DETACHED']);
    const first = await waiting;
    const rest = await readExactly(pal, client, 40 - first.length);
    expect(Buffer.concat([first, rest]).equals(seededBytes(40))).to.equal(true);
  });

  it('are tryRead’s as well, and a watch reports them', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const broken = detachedRead(pal, client);
    await write(pal, served, seededBytes(40));
    await broken;
    await new Promise<void>((resolve) => {
      pal.watch(client, { readable: true }, () => {
        pal.unwatch(client);
        resolve();
      });
    });
    const buffer = Buffer.alloc(100);
    expect(pal.tryRead(client, buffer)).to.equal(40);
    expect(buffer.subarray(0, 40).equals(seededBytes(40))).to.equal(true);
  });

  it('are dropped with the connection', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const broken = detachedRead(pal, client);
    await write(pal, served, seededBytes(40));
    await broken;
    // The fixture sees to it that nothing stays pinned.
    pal.closeSocket(client);
  });
});

// One bed of each backend: 1000 connections take seconds under Wine.
for (const bed of beds.filter(({ name }) => name === 'iocp worker' || name === 'wsapoll worker')) {
  describe(`1000 connections that have become idle [${bed.name}]`, () => {
    const count = 1000;
    const sweeps = new Sweeps();
    const fixture = testPal(bed, sweeps.options);

    it('pin their slots only, less than 1 KiB each', async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      const served: SocketHandle[] = [];
      const clients: SocketHandle[] = [];
      for (let made = 0; made < count; made += 50) {
        const accepting = Array.from({ length: 50 }, () => accept(pal, server.handle));
        clients.push(...(await Promise.all(accepting.map(() => connect(pal, '127.0.0.1', server.port)))));
        for (const { socket } of await Promise.all(accepting)) served.push(socket);
      }
      const fixed = pal.stats().pinnedBytes;
      for (const socket of served) pal.asyncRead(socket, new Uint8Array(4096), 4096, nothing);
      expect((pal.stats().pinnedBytes - fixed) / count, 'before their first bytes').to.equal(CONTEXT_BYTES);
      // Everybody says something once; then silence, with a read pending on each.
      await Promise.all(clients.map((socket) => write(pal, socket, seededBytes(10))));
      await until(
        () => pal.stats().bytesReceived === count * 10,
        () => `${count * 10} bytes, got ${pal.stats().bytesReceived}`,
        bed,
      );
      for (const socket of served) pal.asyncRead(socket, new Uint8Array(4096), 4096, nothing);
      expect((pal.stats().pinnedBytes - fixed) / count, 'busy').to.equal(CONTEXT_BYTES + BLOCK_BYTES);
      await sweeps.until(
        () => pal.stats().pinnedBytes - fixed <= count * CONTEXT_BYTES,
        () => `the sweeps; ${pal.stats().pinnedBytes} bytes are pinned`,
      );
      expect((pal.stats().pinnedBytes - fixed) / count).to.be.at.most(1024);
      expect(pal.stats().operations.receive, 'and the reads are pending').to.equal(count);
    });
  });
}
