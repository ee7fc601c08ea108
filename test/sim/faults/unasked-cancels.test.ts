/**
 * Operations that come back cancelled (ERROR_OPERATION_ABORTED) although nobody has asked for it: on Windows, CancelIoEx of
 * one operation may end others of its socket (dotnet/corefx#32981). Nothing is lost with a receive or an accept, so it is
 * posted again and nobody hears of it; a send that is truncated in the middle is the end of its connection.
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkError, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulatePlatform, type SimulatedPlatform } from '../../../src/sim/index.ts';
import type { Io } from '../../../src/sim/kernel/io.ts';
import { MOST_UNASKED_CANCELS } from '../../../src/sockets/unasked-cancels.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

/** More than the two kernel buffers of the connection hold. */
const MORE_THAN_FITS = 400_000;

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly served: SocketHandle;
  readonly client: SocketHandle;
  /** Cancels every operation of a kind that the kernel has, and nobody has asked. Returns how many. */
  readonly cancel: (kind: string) => number;
  readonly end: () => Promise<void>;
}

async function bench(seed = 0): Promise<Bench> {
  const platform = simulatePlatform({ seed, profile: 'windows', keepAlive: true });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 128 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 4 });
  const sides: SocketHandle[] = [];
  pal.asyncAccept(server.handle, (error, socket) => {
    expect(error).to.equal(null);
    sides[0] = socket;
  });
  pal.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
    expect(error).to.equal(null);
    sides[1] = socket;
  });
  await platform.settle();
  const [served, client] = sides;
  if (served === undefined || client === undefined) throw new Error('No connection');
  const cancel = (kind: string): number => {
    const found = [...platform.ledger].filter((io) => io.kind === kind && !io.done);
    for (const io of found) platform.cancel(io);
    return found.length;
  };
  const end = async (): Promise<void> => {
    void pal.stopEventLoop();
    await platform.settle();
    await ended;
    expectNothingLeft(platform);
  };
  return { platform, pal, served, client, cancel, end };
}

function write(pal: NetworkPal, socket: SocketHandle, text: string): void {
  pal.asyncWrite(socket, Buffer.from(text), (error) => {
    expect(error).to.equal(null);
  });
}

describe('an operation that is cancelled, and nobody has asked for it', () => {
  it('a receive is posted again, and its read gets what comes', async () => {
    const { platform, pal, served, client, cancel, end } = await bench();
    const log: string[] = [];
    const buffer = Buffer.alloc(16);
    pal.asyncRead(served, buffer, 16, (error, bytes) => log.push(error?.code ?? buffer.toString('latin1', 0, bytes)));
    await platform.settle();
    for (let round = 0; round < 3; round++) {
      expect(cancel('WSARecv'), `round ${round}`).to.equal(1);
      await platform.settle();
    }
    expect(log).to.deep.equal([]);
    write(pal, client, 'text');
    await platform.settle();
    expect(log).to.deep.equal(['text']);
    await end();
  });

  it('a watch goes on, and no error is kept for tryRead', async () => {
    const { platform, pal, served, client, cancel, end } = await bench();
    const log: string[] = [];
    const buffer = Buffer.alloc(16);
    pal.watch(served, { readable: true }, (error, readable) => {
      expect(readable).to.equal(true);
      const bytes = pal.tryRead(served, buffer);
      log.push(error?.code ?? (typeof bytes === 'number' ? buffer.toString('latin1', 0, bytes) : 'nothing'));
      pal.unwatch(served);
    });
    await platform.settle();
    for (let round = 0; round < 3; round++) {
      expect(cancel('WSARecv'), `round ${round}`).to.equal(1);
      await platform.settle();
    }
    expect(log, 'not readable').to.deep.equal([]);
    write(pal, client, 'text');
    await platform.settle();
    expect(log).to.deep.equal(['text']);
    await end();
  });

  it('accepts are posted again, and onAcceptError is not told', async () => {
    const { platform, pal, cancel, end } = await bench();
    const failures: string[] = [];
    const server = pal.createServer('127.0.0.1', 0, {
      acceptDepth: 4,
      onAcceptError: ({ code }) => failures.push(code),
    });
    await platform.settle();
    expect(cancel('AcceptEx')).to.equal(8);
    await platform.settle();
    expect(pal.stats().acceptErrors).to.equal(0);
    const log: string[] = [];
    pal.asyncAccept(server.handle, (error) => log.push(error?.code ?? 'accepted'));
    pal.asyncConnect('127.0.0.1', server.port, {}, (error) => log.push(error?.code ?? 'connected'));
    await platform.settle();
    expect(log.sort()).to.deep.equal(['accepted', 'connected']);
    expect(failures).to.deep.equal([]);
    expect(cancel('AcceptEx'), 'posted again, all of them').to.equal(8);
    await platform.settle();
    await end();
  });

  it('the receives of a UDP socket are posted again, and lose no datagram', async () => {
    const { platform, pal, cancel, end } = await bench();
    const receiver = pal.createUdpSocket('127.0.0.1', 0);
    const sender = pal.createUdpSocket('127.0.0.1', 0);
    const log: string[] = [];
    const buffer = Buffer.alloc(16);
    pal.asyncReceiveFrom(receiver.handle, buffer, 16, (error, bytes) => {
      log.push(error?.code ?? buffer.toString('latin1', 0, bytes));
    });
    await platform.settle();
    const posted = cancel('WSARecvFrom');
    expect(posted).to.be.above(0);
    await platform.settle();
    expect(log).to.deep.equal([]);
    pal.asyncSendTo(sender.handle, Buffer.from('text'), receiver, (error) => log.push(error?.code ?? 'sent'));
    await platform.settle();
    expect(log.sort()).to.deep.equal(['sent', 'text']);
    expect(cancel('WSARecvFrom'), 'as many as before').to.equal(posted);
    await platform.settle();
    await end();
  });

  it('a datagram on its way out is sent again', async () => {
    let cancelled = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { platform, pal, cancel, end } = await bench(seed);
      const receiver = pal.createUdpSocket('127.0.0.1', 0);
      const sender = pal.createUdpSocket('127.0.0.1', 0, { sendBufferSize: 1 });
      const log: string[] = [];
      const buffer = Buffer.alloc(16);
      const receive = (): void =>
        void pal.asyncReceiveFrom(receiver.handle, buffer, 16, (error, bytes) => {
          log.push(error?.code ?? buffer.toString('latin1', 0, bytes));
        });
      receive();
      receive();
      // It takes the room that there is, so the system keeps the next one for a while.
      expect(pal.trySendTo(sender.handle, Buffer.from('first'), receiver)).to.equal(5);
      pal.asyncSendTo(sender.handle, Buffer.from('text'), receiver, (error) => log.push(error?.code ?? 'sent'));
      cancelled += cancel('WSASendTo');
      await platform.settle();
      expect(log.sort(), `seed ${seed}`).to.deep.equal(['first', 'sent', 'text']);
      await end();
    }
    expect(cancelled).to.be.above(3);
  });

  it('a write is a broken connection: ECONNABORTED, also behind it, and its peer gets a reset and no end', async () => {
    const { platform, pal, served, client, cancel, end } = await bench();
    const log: (string | undefined)[] = [];
    const told = (error: NetworkError | null): void => void log.push(error?.code);
    pal.asyncWrite(served, Buffer.alloc(MORE_THAN_FITS), told);
    pal.asyncWrite(served, Buffer.from('behind it'), told);
    await platform.settle();
    expect(cancel('WSASend')).to.equal(1);
    await platform.settle();
    pal.asyncWrite(served, Buffer.from('later'), told);
    await platform.settle();
    expect(log).to.deep.equal(['ECONNABORTED', 'ECONNABORTED', 'ECONNABORTED']);
    pal.closeSocket(served);
    await platform.settle();
    let end1: string | number = '';
    const buffer = Buffer.alloc(MORE_THAN_FITS);
    for (let round = 0; typeof end1 === 'string' && end1 === '' && round < 20; round++) {
      pal.asyncRead(client, buffer, buffer.length, (error, bytes) => {
        if (error !== null) end1 = error.code;
        else if (bytes === 0) end1 = 'the end of the stream';
      });
      await platform.settle();
    }
    expect(end1).to.equal('ECONNRESET');
    await end();
  });

  describe('again and again, without end', () => {
    /** Cancels until there is nothing to cancel. Returns how often. */
    async function cancelAll({ platform, cancel }: Bench, kind: string): Promise<number> {
      let count = 0;
      while (count < 1000) {
        const found = cancel(kind);
        if (found === 0) break;
        count += found;
        await platform.settle();
      }
      return count;
    }

    it('is told to a read, after 64 in a row; a success begins a new row', async () => {
      const scene = await bench();
      const { platform, pal, served, client, cancel, end } = scene;
      const log: string[] = [];
      const buffer = Buffer.alloc(16);
      const read = (): void => {
        const done = (error: NetworkError | null, bytes: number): unknown =>
          log.push(error?.code ?? buffer.toString('latin1', 0, bytes));
        pal.asyncRead(served, buffer, 16, done);
      };
      read();
      await platform.settle();
      for (let round = 0; round < MOST_UNASKED_CANCELS; round++) {
        cancel('WSARecv');
        await platform.settle();
      }
      write(pal, client, 'text');
      await platform.settle();
      expect(log).to.deep.equal(['text']);
      read();
      await platform.settle();
      expect(await cancelAll(scene, 'WSARecv')).to.equal(MOST_UNASKED_CANCELS + 1);
      expect(log).to.deep.equal(['text', 'ECANCELED']);
      await end();
    });

    it('is told to a watch', async () => {
      const scene = await bench();
      const { platform, pal, served, end } = scene;
      const log: string[] = [];
      pal.watch(served, { readable: true }, () => {
        try {
          pal.tryRead(served, Buffer.alloc(16));
        } catch (error) {
          log.push((error as NetworkError).code);
        }
        pal.unwatch(served);
      });
      await platform.settle();
      expect(await cancelAll(scene, 'WSARecv')).to.equal(MOST_UNASKED_CANCELS + 1);
      expect(log).to.deep.equal(['ECANCELED']);
      await end();
    });

    it('is a failed accept for a server, after 64 per accept of its pool: told, and posted again with pauses', async () => {
      const depth = 3;
      const { platform, pal, end } = await bench();
      const failures: string[] = [];
      const server = pal.createServer('127.0.0.1', 0, {
        acceptDepth: depth,
        onAcceptError: ({ code }) => failures.push(code),
      });
      await platform.settle();
      const own = (): Io[] => [...platform.ledger].filter((io) => io.kind === 'AcceptEx' && !io.done).slice(-depth);
      /** Cancels the server's accepts. Returns the milliseconds until they are posted again. */
      const round = async (): Promise<number> => {
        const posted = own();
        expect(posted).to.have.lengthOf(depth);
        for (const io of posted) platform.cancel(io);
        const began = platform.scheduler.now();
        await platform.settle();
        return platform.scheduler.now() - began;
      };
      const connect = async (): Promise<void> => {
        const log: string[] = [];
        pal.asyncAccept(server.handle, (error) => log.push(error?.code ?? 'accepted'));
        pal.asyncConnect('127.0.0.1', server.port, {}, (error) => log.push(error?.code ?? 'connected'));
        await platform.settle();
        expect(log.sort()).to.deep.equal(['accepted', 'connected']);
      };
      const manyRounds = async (): Promise<void> => {
        for (let count = 0; count < MOST_UNASKED_CANCELS; count++) expect(await round()).to.be.below(5);
      };
      await manyRounds();
      await connect();
      await manyRounds();
      expect(failures, 'a success began a new row').to.deep.equal([]);
      const pauses: number[] = [];
      for (let count = 0; count < 5; count++) pauses.push(await round());
      expect(new Set(failures)).to.deep.equal(new Set(['ECANCELED']));
      expect(pal.stats().acceptErrors).to.equal(failures.length);
      expect(pauses.at(-1), pauses.join()).to.be.at.least(1000);
      await connect();
      expect(await round()).to.be.below(5);
      await end();
    });

    it('is told to who receives datagrams', async () => {
      const scene = await bench();
      const { platform, pal, end } = scene;
      const { handle } = pal.createUdpSocket('127.0.0.1', 0);
      const log: string[] = [];
      pal.asyncReceiveFrom(handle, Buffer.alloc(16), 16, (error) => log.push(error?.code ?? 'received'));
      await platform.settle();
      expect(await cancelAll(scene, 'WSARecvFrom')).to.be.within(MOST_UNASKED_CANCELS + 1, MOST_UNASKED_CANCELS + 16);
      expect(log).to.deep.equal(['ECANCELED']);
      await end();
    });
  });
});
