/** A server that hands its connections to several loops, on the simulated platform. */
import { expect } from 'chai';
import {
  createNetworkPal,
  type Endpoint,
  type NetworkError,
  type NetworkPal,
  type SocketHandle,
} from '../../../src/index.ts';
import { LOAD, viewRing } from '../../../src/remote/ring-layout.ts';
import { simulatedWindows } from '../../support/beds.ts';
import { rejectionOf, thrownBy } from '../../support/errors.ts';
import { close, connect, echo, readExactly, readToEnd, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

const NOBODY: Endpoint = { address: '', port: 0, family: 4 };

describe('spreading connections over loops', () => {
  let shared = {};
  const main = testPal(simulatedWindows, () => (shared = simulatedWindows.oneProcess!()));
  const loops = [testPal(simulatedWindows, () => shared), testPal(simulatedWindows, () => shared)];
  /** What each loop was handed. */
  const arrived: { socket: SocketHandle; peer: Endpoint; local: Endpoint }[][] = [];

  beforeEach(() => {
    arrived.length = 0;
    for (const { pal } of loops) {
      const mine: (typeof arrived)[number] = [];
      arrived.push(mine);
      pal.onConnection((socket, peer, local) => {
        mine.push({ socket, peer, local });
        echo(pal, socket).catch(() => undefined);
      });
    }
  });

  const remotes = (): ReturnType<NetworkPal['remote']>[] => loops.map(({ pal }) => pal.remote());
  const counts = (): number[] => arrived.map((mine) => mine.length);
  const arrivals = async (count: number): Promise<number[]> => {
    await until(
      () => counts().reduce((sum, one) => sum + one, 0) === count,
      () => `${count} arrivals, not ${counts().join(' and ')}`,
    );
    return counts();
  };
  const connectMany = (port: number, count: number): Promise<SocketHandle[]> =>
    Promise.all(Array.from({ length: count }, () => connect(main.pal, '127.0.0.1', port)));
  /** The error of a client that the server resets: of its connect, when the reset overtakes that, or else of its read. */
  const resetAfterConnect = async (port: number): Promise<NodeJS.ErrnoException> =>
    rejectionOf(connect(main.pal, '127.0.0.1', port).then((client) => readToEnd(main.pal, client)));

  it('in turn, each with its end points, and they work there', async () => {
    const server = main.pal.createServer('127.0.0.1', 0, { spread: { loops: remotes() } });
    const clients = await connectMany(server.port, 6);
    expect(await arrivals(6)).to.deep.equal([3, 3]);
    for (const client of clients) {
      await write(main.pal, client, Buffer.from('hello'));
      expect((await readExactly(main.pal, client, 5)).toString()).to.equal('hello');
    }
    const ports = arrived.flat().map(({ peer }) => peer.port);
    expect(ports).to.have.members(clients.map((client) => main.pal.getLocalPort(client)));
    for (const { local } of arrived.flat()) expect(local.port).to.equal(server.port);
    expect(main.pal.stats().accepted).to.equal(6);
  });

  it('as fast as acceptRate allows, which is reported', async () => {
    const told: string[] = [];
    const server = main.pal.createServer('127.0.0.1', 0, {
      spread: { loops: remotes() },
      acceptRate: 1,
      onLimit: ({ reason, refused }) => told.push(`${reason} ${refused ? 'refused' : 'paused'}`),
    });
    await connectMany(server.port, 2);
    await arrivals(2);
    expect(told).to.deep.equal(['acceptRate paused', 'acceptRate paused']);
  });

  it('to the one with the fewest open ones', async () => {
    const spread = { loops: remotes(), policy: 'least-loaded' } as const;
    const server = main.pal.createServer('127.0.0.1', 0, { spread });
    await connectMany(server.port, 4);
    expect(await arrivals(4)).to.deep.equal([2, 2]);
    const [, second] = loops;
    await Promise.all(arrived[1]!.map(({ socket }) => close(second!.pal, socket)));
    await connectMany(server.port, 2);
    expect(await arrivals(6)).to.deep.equal([2, 4]);
    await connectMany(server.port, 2);
    expect(await arrivals(8)).to.deep.equal([3, 5]);
  });

  it('counts one out that its loop passes on', async () => {
    const [first, second] = loops;
    first!.pal.onConnection((socket) => {
      arrived[1]!.push({
        socket: second!.pal.receiveTransfer(first!.pal.transfer(socket)),
        peer: NOBODY,
        local: NOBODY,
      });
    });
    const spread = { loops: remotes(), policy: 'least-loaded' } as const;
    const server = main.pal.createServer('127.0.0.1', 0, { spread });
    for (let count = 1; count <= 3; count++) {
      await connectMany(server.port, 1);
      expect(await arrivals(count)).to.deep.equal([0, count]);
    }
    expect(first!.pal.stats().remoteRecords, 'it was handed some').to.be.above(0);
    expect(viewRing(first!.pal.remote().queue).words[LOAD], 'its load').to.equal(0);
  });

  it('passes over a loop that has stopped, and reports and resets what no loop takes', async () => {
    const errors: NetworkError[] = [];
    const server = main.pal.createServer('127.0.0.1', 0, {
      spread: { loops: remotes() },
      onAcceptError: (error) => errors.push(error),
    });
    const [first, second] = loops;
    await first!.pal.stopEventLoop();
    await connectMany(server.port, 3);
    expect(await arrivals(3)).to.deep.equal([0, 3]);
    await second!.pal.stopEventLoop();
    expect((await resetAfterConnect(server.port)).code).to.equal('ECONNRESET');
    await until(
      () => errors.length === 1,
      () => 'one error',
    );
    expect(errors[0]!.code).to.equal('ERR_NO_LOOP');
  });

  it('a loop that wants none resets them and says so', async () => {
    const [first] = loops;
    first!.pal.onConnection(null);
    const errors: NetworkError[] = [];
    first!.pal.onRemoteError((error) => errors.push(error));
    const server = main.pal.createServer('127.0.0.1', 0, { spread: { loops: [first!.pal.remote()] } });
    expect((await resetAfterConnect(server.port)).code).to.equal('ECONNRESET');
    expect(errors.map(({ code }) => code)).to.deep.equal(['ERR_NO_CONNECTION_CALLBACK']);
  });

  it('one that is handed over while its loop stops is closed', async () => {
    const [first] = loops;
    const server = main.pal.createServer('127.0.0.1', 0, { spread: { loops: [first!.pal.remote()] } });
    const [client] = await connectMany(server.port, 1);
    await first!.pal.stopEventLoop();
    await readToEnd(main.pal, client!).catch(() => undefined);
  });

  it('cannot be accepted from, and refuses bad options', () => {
    const { pal } = main;
    const server = pal.createServer('127.0.0.1', 0, { spread: { loops: remotes() } });
    expect(thrownBy(() => pal.asyncAccept(server.handle, () => undefined)).code).to.equal('ERR_SERVER_SPREADS');
    expect(thrownBy(() => pal.tryAccept(server.handle)).code).to.equal('ERR_SERVER_SPREADS');
    expect(thrownBy(() => pal.watch(server.handle, { readable: true }, () => undefined)).code).to.equal(
      'ERR_SERVER_SPREADS',
    );
    const bad = (spread: unknown): unknown => pal.createServer('127.0.0.1', 0, { spread: spread as never });
    expect(() => bad({ loops: [] })).to.throw(TypeError, 'no loops');
    expect(() => bad({ loops: [{}] })).to.throw(TypeError, 'pal.remote()');
    expect(() => bad({ loops: remotes(), policy: 'random' })).to.throw(TypeError, 'spread.policy');
    expect(pal.stats().servers).to.equal(1);
  });

  it('keeps the process alive while it is open', async () => {
    const platform = simulatedWindows.oneProcess!().platform!;
    const pal = createNetworkPal({ platform });
    pal.initialize();
    void pal.runEventLoop();
    pal.createServer('127.0.0.1', 0, { spread: { loops: remotes() } });
    expect(pal.stats().pendingCallbacks).to.equal(1);
    await pal.stopEventLoop();
  });
});
