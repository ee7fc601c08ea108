/** How many connections a server takes: maxConnections, per address, per second; pauseAccept and resumeAccept. */
import { expect } from 'chai';
import type { AcceptLimitEvent, ServerSocket, SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { thrownBy } from '../../support/errors.ts';
import { accept, close, connect, readExactly, readInto, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

/** Turns after which whatever was going to happen has happened. */
const A_WHILE = 50;

onEveryBed('limits of a server', (bed) => {
  const fixture = testPal(bed);
  let events: AcceptLimitEvent[];
  const onLimit = (event: AcceptLimitEvent): void => {
    events.push(event);
  };
  beforeEach(() => {
    events = [];
  });

  /** Accepts for ever. Returns the connections so far. */
  function acceptAll(server: ServerSocket): SocketHandle[] {
    const { pal } = fixture;
    const taken: SocketHandle[] = [];
    const next = (): void =>
      void pal.asyncAccept(server.handle, (error, client) => {
        if (error !== null) return;
        taken.push(client);
        next();
      });
    next();
    return taken;
  }

  const connectMany = (server: ServerSocket, count: number): Promise<SocketHandle[]> =>
    Promise.all(Array.from({ length: count }, () => connect(fixture.pal, '127.0.0.1', server.port)));

  const untilTaken = (taken: readonly SocketHandle[], count: number): Promise<void> =>
    until(
      () => taken.length >= count,
      () => `${count} connections, came ${taken.length}`,
      bed,
    );

  const untilAccepted = (count: number): Promise<void> =>
    until(
      () => fixture.pal.stats().accepted === count,
      () => `${count} accepts, not ${fixture.pal.stats().accepted}`,
      bed,
    );

  /** The events, once there are so many. */
  const untilTold = async (count: number): Promise<string[]> => {
    await until(
      () => events.length >= count,
      () => `${count} calls of onLimit, not ${events.length}`,
      bed,
    );
    return events.map(({ reason, refused }) => `${reason} ${refused ? 'refused' : 'paused'}`);
  };

  /** Connects, and tells how that ends: refused connections may be gone before connect() has come to its end. */
  const visit = async (server: ServerSocket): Promise<string> => {
    const { pal } = fixture;
    try {
      const bytes = await readInto(pal, await connect(pal, '127.0.0.1', server.port), new Uint8Array(1));
      return `${bytes} bytes`;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  /**
   * Wine tells a reset as the end of the stream, at times. WSAPoll tells of a connection that was reset before it was looked at by
   * POLLERR alone, as of one that nobody has taken.
   */
  const REFUSED = ['ECONNRESET', 'ENOTCONN', '0 bytes', ...(bed.name.startsWith('wsapoll') ? ['ECONNREFUSED'] : [])];

  it('maxConnections pauses: never more of them, and the next as soon as one has closed', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { maxConnections: 3, onLimit });
    const taken = acceptAll(server);
    await connectMany(server, 8);
    await untilTaken(taken, 3);
    await turns(A_WHILE, bed);
    expect(taken).to.have.lengthOf(3);
    expect(pal.stats()).to.include({ accepted: 3, refused: 0 });
    expect(pal.stats().operations.accept, 'nothing is posted that could take one more').to.equal(0);
    for (let closed = 0; closed < 5; closed++) {
      const first = taken[closed];
      if (first !== undefined) await close(pal, first);
      await untilTaken(taken, 4 + closed);
      await turns(A_WHILE, bed);
      expect(taken).to.have.lengthOf(4 + closed);
    }
    expect(await untilTold(6)).to.deep.equal(Array.from({ length: 6 }, () => 'maxConnections paused'));
    expect(events[0]).to.deep.include({ address: '127.0.0.1', connections: 3 });
  });

  it('maxConnections counts untaken connections, and those that are closed without having been taken', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { maxConnections: 2, acceptDepth: 8 });
    await connectMany(server, 4);
    await untilAccepted(2);
    await turns(A_WHILE, bed);
    expect(pal.stats().accepted).to.equal(2);
    const { socket } = await accept(pal, server.handle);
    await turns(A_WHILE, bed);
    expect(pal.stats().accepted, 'taking is not leaving').to.equal(2);
    pal.resetSocket(socket);
    await untilAccepted(3);
  });

  it("maxConnections with whenFull 'close': the others are closed with RST, and told", async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { maxConnections: 2, whenFull: 'close', onLimit });
    const taken = acceptAll(server);
    await connectMany(server, 2);
    await untilTaken(taken, 2);
    expect(await visit(server)).to.be.oneOf(REFUSED);
    await untilTold(1);
    expect(events).to.deep.equal([{ reason: 'maxConnections', refused: true, address: '127.0.0.1', connections: 2 }]);
    expect(pal.stats()).to.include({ accepted: 2, refused: 1 });
    for (const socket of taken) await close(pal, socket);
    const last = await connect(pal, '127.0.0.1', server.port);
    await untilTaken(taken, 3);
    await write(pal, last, seededBytes(9));
    expect((await readExactly(pal, taken[2]!, 9)).equals(seededBytes(9))).to.equal(true);
  });

  it('maxConnectionsPerAddress closes what is beyond it, and frees the place when one leaves', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { maxConnectionsPerAddress: 1, onLimit });
    const taken = acceptAll(server);
    await connectMany(server, 1);
    await untilTaken(taken, 1);
    expect(await visit(server)).to.be.oneOf(REFUSED);
    expect(await untilTold(1)).to.deep.equal(['maxConnectionsPerAddress refused']);
    expect(events[0]).to.deep.include({ address: '127.0.0.1' });
    await close(pal, taken[0]!);
    await connect(pal, '127.0.0.1', server.port);
    await untilTaken(taken, 2);
  });

  it('acceptRate takes a second of connections at once, and the rest in time', async () => {
    const { pal } = fixture;
    const rate = 2;
    const server = pal.createServer('127.0.0.1', 0, { acceptRate: rate, onLimit });
    const started = Date.now();
    const taken = acceptAll(server);
    await connectMany(server, rate + 2);
    await untilTaken(taken, rate + 2);
    expect(Date.now() - started, 'milliseconds for two more').to.be.at.least(900);
    expect(events[0]).to.deep.include({ reason: 'acceptRate', refused: false });
  });

  it("acceptRate with whenFull 'close' refuses what comes too fast", async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptRate: 1, whenFull: 'close', onLimit });
    acceptAll(server);
    // However slow the machine is, it does not take a second for each of them. Those that are let in wait for the end.
    const visits = Array.from({ length: 6 }, () => visit(server));
    const told = await untilTold(1);
    expect(told[0]).to.equal('acceptRate refused');
    expect(await Promise.race(visits)).to.be.oneOf(REFUSED);
  });

  it('acceptRate is reported each time it makes the server pause, also when a refused connection used it up', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptRate: 1, maxConnectionsPerAddress: 1, onLimit });
    acceptAll(server);
    await connectMany(server, 1);
    expect(await visit(server)).to.be.oneOf(REFUSED);
    expect(await untilTold(3)).to.deep.equal([
      'acceptRate paused',
      'maxConnectionsPerAddress refused',
      'acceptRate paused',
    ]);
  });

  it('pauseAccept: nothing is handed out and nothing accepted until resumeAccept', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 4 });
    await connectMany(server, 2);
    await untilAccepted(2);
    pal.pauseAccept(server.handle);
    pal.pauseAccept(server.handle);
    const taken = acceptAll(server);
    await until(
      () => pal.stats().operations.accept === 0,
      () => 'the accepts to be cancelled',
      bed,
    );
    await connectMany(server, 3);
    await turns(A_WHILE, bed);
    expect(taken).to.have.lengthOf(0);
    expect(pal.stats().accepted).to.equal(2);
    pal.resumeAccept(server.handle);
    pal.resumeAccept(server.handle);
    await untilTaken(taken, 5);
    await until(
      () => pal.stats().operations.accept === 4,
      () => 'the pool to be full again',
      bed,
    );
    expect(pal.stats().acceptErrors, 'a cancelled accept is no failure').to.equal(0);
  });

  it('resumeAccept accepts again where nothing had come before the pause', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 4 });
    const taken = acceptAll(server);
    pal.pauseAccept(server.handle);
    await until(
      () => pal.stats().operations.accept === 0,
      () => 'the accepts to be cancelled',
      bed,
    );
    pal.resumeAccept(server.handle);
    await connectMany(server, 2);
    await untilTaken(taken, 2);
  });

  it('pauseAccept and resumeAccept at once, again and again, lose no connection', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 8 });
    const taken = acceptAll(server);
    const connecting = connectMany(server, 30);
    for (let times = 0; times < 20; times++) {
      pal.pauseAccept(server.handle);
      if (times % 3 === 0) await turns(1, bed);
      pal.resumeAccept(server.handle);
      if (times % 4 === 0) await turns(1, bed);
    }
    await connecting;
    await untilTaken(taken, 30);
    expect(new Set(taken).size).to.equal(30);
    expect(pal.stats().acceptErrors).to.equal(0);
  });

  it('a paused server can be closed, with accepts waiting', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    pal.pauseAccept(server.handle);
    const waiting = accept(pal, server.handle).catch((error: unknown) => error as { code: string });
    await close(pal, server.handle);
    expect(await waiting).to.have.property('code', 'ECANCELED');
    pal.resumeAccept(server.handle); // does nothing any more
  });

  it('tryAccept answers WouldBlock while the server is paused', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    await connectMany(server, 1);
    await untilAccepted(1);
    pal.pauseAccept(server.handle);
    expect(pal.tryAccept(server.handle)).to.equal(-1);
    pal.resumeAccept(server.handle);
    const socket = pal.tryAccept(server.handle);
    expect(socket).to.not.equal(-1);
    await close(pal, socket as SocketHandle);
  });

  it('a connection is not a server', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const client = await connect(pal, '127.0.0.1', server.port);
    expect(thrownBy(() => pal.pauseAccept(client as never)).code).to.equal('ERR_INVALID_HANDLE_KIND');
    expect(thrownBy(() => pal.resumeAccept(client as never)).code).to.equal('ERR_INVALID_HANDLE_KIND');
  });
});

onEveryBed('accept depth', (bed) => {
  const fixture = testPal(bed, { maxOperations: 64 });

  it('leaves three quarters of the operations to reading and writing, and every server one accept', async () => {
    const { pal } = fixture;
    const servers = Array.from({ length: 5 }, () => pal.createServer('127.0.0.1', 0));
    expect(pal.stats().operations.accept).to.equal(16 + 4);
    for (const server of servers) {
      const [, { socket }] = await Promise.all([connect(pal, '127.0.0.1', server.port), accept(pal, server.handle)]);
      await close(pal, socket);
    }
  });

  it('follows bursts, and stays within its bounds', async () => {
    const { pal } = fixture;
    const bounds = { min: 2, max: 6 };
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: bounds });
    expect(pal.stats().operations.accept).to.equal(2);
    // Untaken ones hold their places: the pool does not grow because its owner is slow.
    await Promise.all(Array.from({ length: 12 }, () => connect(pal, '127.0.0.1', server.port)));
    await until(
      () => pal.stats().accepted === 2,
      () => 'a full pool',
      bed,
    );
    await turns(A_WHILE, bed);
    expect(pal.stats().accepted).to.equal(2);
    for (let left = 12; left > 0; left--) {
      await accept(pal, server.handle);
      const { accept: posted } = pal.stats().operations;
      expect(posted).to.be.at.most(6);
    }
    await Promise.all(
      Array.from({ length: 12 }, () =>
        Promise.all([connect(pal, '127.0.0.1', server.port), accept(pal, server.handle)]),
      ),
    );
    await until(
      () => pal.stats().operations.accept === 6,
      () => `a pool of six: ${pal.describe()}`,
      bed,
    );
  });
});
