/** asyncConnect by host name. The resolver is the tests' own, but for one test; docs/names.md says what is promised. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import {
  NetworkError,
  NetworkErrorCode,
  type AttemptCallback,
  type ConnectOptions,
  type NetworkPal,
  type SocketHandle,
} from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { expectClosed, rejectionOf, thrownBy } from '../../support/errors.ts';
import {
  accept,
  type Accepted,
  close,
  connect,
  echo,
  read,
  readExactly,
  REFUSING_PORT,
  serverOnUnclaimedPort,
  unusedPort,
  write,
} from '../../support/io.ts';
import { lookupIn, type Zone } from '../../support/lookups.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

const NAME = 'host.test';
/** Milliseconds: an attempt that is only slow gets no company. */
const LONGEST_DELAY_MS = 2000;

onEveryBed('connect by name', (bed) => {
  const fixture = sharedPal(bed);

  /** Connects to a server on `listenOn` through a resolver that knows `zone`. */
  async function through(pal: NetworkPal, listenOn: string, zone: Zone, options: ConnectOptions = {}) {
    const server = pal.createServer(listenOn, 0);
    const { lookup, asked } = lookupIn(zone);
    const [client, served] = await Promise.all([
      connect(pal, NAME, server.port, { lookup, attemptDelay: LONGEST_DELAY_MS, ...options }),
      accept(pal, server.handle),
    ]);
    return { server, client, served: served.socket, peer: served.peer, asked };
  }

  it('asks for both families at once, and takes IPv6 where both answer', async () => {
    const { pal } = fixture;
    const { client, asked } = await through(pal, '::', { 6: ['::1'], 4: ['127.0.0.1'] });
    expect(asked).to.deep.equal([`6 ${NAME}`, `4 ${NAME}`]);
    expect(pal.getRemoteAddress(client)).to.equal('::1');
  });

  it('goes on to IPv4 when IPv6 is refused, under the handle that asyncConnect has returned', async () => {
    const { pal } = fixture;
    const server = serverOnUnclaimedPort(pal);
    const { lookup } = lookupIn({ 6: ['::1'], 4: ['127.0.0.1'] });
    const outcomes = new Outcomes();
    const handle = pal.asyncConnect(NAME, server.port, { lookup }, outcomes.expect('connect'));
    const { socket, peer } = await accept(pal, server.handle);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['connect ok']);
    expect(outcomes.values.get('connect')).to.equal(handle);
    expect(pal.getRemoteAddress(handle)).to.equal('127.0.0.1');
    expect(pal.getRemotePort(handle)).to.equal(server.port);
    expect(pal.getLocalPort(handle)).to.equal(peer.port);
    await write(pal, handle, Buffer.from('to the server'));
    expect((await readExactly(pal, socket, 13)).toString()).to.equal('to the server');
    await write(pal, socket, Buffer.from('and back'));
    expect((await readExactly(pal, handle, 8)).toString()).to.equal('and back');
    expect(pal.stats().sockets, 'server and two ends: no attempt is left').to.equal(3);
    await close(pal, handle);
    expect(await read(pal, socket)).to.have.length(0);
  });

  for (const family of [4, 6] as const) {
    it(`asks for IPv${family} only when told to`, async () => {
      const { pal } = fixture;
      const address = family === 4 ? '127.0.0.1' : '::1';
      const { client, asked } = await through(pal, '::', { 6: ['::1'], 4: ['127.0.0.1'] }, { family });
      expect(asked).to.deep.equal([`${family} ${NAME}`]);
      expect(pal.getRemoteAddress(client)).to.equal(address);
    });
  }

  it('asks for the family of the local address only', async () => {
    const { pal } = fixture;
    const zone = { 6: ['::1'], 4: ['127.0.0.1'] };
    const { asked, peer } = await through(pal, '::', zone, { localAddress: '127.0.0.1' });
    expect(asked).to.deep.equal([`4 ${NAME}`]);
    expect(peer.address).to.equal('::ffff:127.0.0.1');
  });

  it('tries addresses one after another from a given local port', async () => {
    const { pal } = fixture;
    const localPort = await unusedPort(pal);
    const zone = { 4: ['127.0.0.2', '127.0.0.3', '127.0.0.1'] };
    const { client } = await through(pal, '127.0.0.1', zone, { localPort, family: 4 });
    expect(pal.getRemoteAddress(client)).to.equal('127.0.0.1');
    expect(pal.getLocalPort(client)).to.equal(localPort);
  });

  it('sets TCP_NODELAY when asked to', async () => {
    const { pal } = fixture;
    const { client } = await through(pal, '127.0.0.1', { 4: ['127.0.0.1'] }, { noDelay: true });
    expect(pal.getSocketOption(client, 'NoDelay')).to.equal(true);
  });

  it('says which attempts have failed when all have', async () => {
    const { pal } = fixture;
    const { lookup } = lookupIn({ 6: ['::1'], 4: ['127.0.0.1', '127.0.0.2'] });
    const error = await rejectionOf(connect(pal, NAME, REFUSING_PORT, { lookup }));
    expect(error).to.include({
      code: 'ECONNREFUSED',
      kind: NetworkErrorCode.ConnectionRefused,
      hostname: NAME,
      address: '::1',
      port: REFUSING_PORT,
      systemErrorCode: 10061,
    });
    expect(error.message).to.match(
      /^connect ECONNREFUSED host\.test:1: cannot connect to any of its 3 addresses: \[::1\]:1 .*, 127\.0\.0\.1:1 .*, 127\.0\.0\.2:1 ECONNREFUSED$/,
    );
    expect(error.attempts?.map(({ address, code }) => [address, code])).to.deep.equal([
      ['::1', 'ECONNREFUSED'],
      ['127.0.0.1', 'ECONNREFUSED'],
      ['127.0.0.2', 'ECONNREFUSED'],
    ]);
    for (const attempt of error.attempts ?? []) expect(attempt).to.be.instanceOf(NetworkError);
    expect(pal.stats()).to.include({ sockets: 0, pendingCallbacks: 0 });
  });

  describe('onAttempt', () => {
    it('is told of each address before the callback: that it is tried, and what it has failed with', async () => {
      const { pal } = fixture;
      const server = serverOnUnclaimedPort(pal);
      const { lookup } = lookupIn({ 6: ['::1'], 4: ['127.0.0.1'] });
      const told: string[] = [];
      const onAttempt: AttemptCallback = (error, { address, port, family }) => {
        told.push(`${error === null ? 'tries' : error.code} ${address} ${port === server.port} IPv${family}`);
      };
      const options = { lookup, onAttempt, attemptDelay: LONGEST_DELAY_MS };
      const connected = await new Promise<SocketHandle>((resolve, reject) => {
        pal.asyncConnect(NAME, server.port, options, (error, handle) => {
          told.push('callback');
          if (error === null) resolve(handle);
          else reject(error);
        });
        expect(told, 'inside the call').to.deep.equal([]);
      });
      expect(told).to.have.members([
        'tries ::1 true IPv6',
        'ECONNREFUSED ::1 true IPv6',
        'tries 127.0.0.1 true IPv4',
        'callback',
      ]);
      expect([told[0], told.at(-1)]).to.deep.equal(['tries ::1 true IPv6', 'callback']);
      expect(pal.getRemoteAddress(connected)).to.equal('127.0.0.1');
    });

    it('is told of all failures, also of the last one, before the callback', async () => {
      const { pal } = fixture;
      const { lookup } = lookupIn({ 4: ['127.0.0.1', '127.0.0.2'] });
      const told: (NetworkError | null)[] = [];
      const onAttempt: AttemptCallback = (failure) => told.push(failure);
      const error = await rejectionOf(connect(pal, NAME, REFUSING_PORT, { lookup, onAttempt }));
      expect(told.filter((each) => each !== null)).to.deep.equal(error.attempts);
      expect(told).to.have.length(4);
    });

    it('may close the connection: the callback is told so, and nobody of a further attempt', async () => {
      const { pal } = fixture;
      const { lookup } = lookupIn({ 4: ['127.0.0.1', '127.0.0.2'] });
      const outcomes = new Outcomes();
      let told = 0;
      const onAttempt = (): void => {
        told++;
        pal.closeSocket(handle);
      };
      const handle = pal.asyncConnect(NAME, REFUSING_PORT, { lookup, onAttempt }, outcomes.expect('connect'));
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal(['connect ECANCELED']);
      expect(told).to.equal(1);
      await until(
        () => pal.stats().sockets === 0,
        () => 'the attempts to be gone',
        bed,
      );
    });

    it('may close the connection when it has succeeded already', async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0);
      const { lookup } = lookupIn({ 4: ['127.0.0.1'] });
      const outcomes = new Outcomes();
      const onAttempt = (): void => pal.closeSocket(handle);
      const handle = pal.asyncConnect(NAME, server.port, { lookup, onAttempt }, outcomes.expect('connect'));
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal(['connect ECANCELED']);
      await close(pal, server.handle);
      await until(
        () => pal.stats().sockets === 0,
        () => 'the attempt to be gone',
        bed,
      );
    });

    it('runs in the asynchronous context of the call', async () => {
      const { pal } = fixture;
      const storage = new AsyncLocalStorage<string>();
      const seen: (string | undefined)[] = [];
      const onAttempt = (): void => void seen.push(storage.getStore());
      await storage.run('mine', () => through(pal, '127.0.0.1', { 4: ['127.0.0.1'] }, { onAttempt }));
      expect(seen).to.deep.equal(['mine']);
    });

    it('is not asked about an address that was given as one', async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0);
      const onAttempt = (): void => expect.fail('asked');
      await Promise.all([connect(pal, '127.0.0.1', server.port, { onAttempt }), accept(pal, server.handle)]);
    });
  });

  it('says when nobody knows the name', async () => {
    const { pal } = fixture;
    const { lookup } = lookupIn({});
    const error = await rejectionOf(connect(pal, NAME, 80, { lookup }));
    expect(error).to.include({ code: 'ENOTFOUND', kind: NetworkErrorCode.InvalidAddress, errno: -3008 });
    expect(error).to.include({ syscall: 'getaddrinfo', hostname: NAME, port: 80 });
    expect(error.message).to.match(/^connect ENOTFOUND host\.test:80: the name cannot be resolved \(getaddrinfo/);
    expect(error.cause).to.include({ code: 'ENOTFOUND' });
    expect(error.attempts).to.deep.equal([]);
    expect(pal.stats()).to.include({ sockets: 0, pendingCallbacks: 0 });
  });

  it('says that the resolver has failed, rather than that one family is unknown', async () => {
    const { pal } = fixture;
    const busy = Object.assign(new Error('try again'), { code: 'EAI_AGAIN', errno: -3001, syscall: 'getaddrinfo' });
    const { lookup } = lookupIn({ 4: busy });
    const error = await rejectionOf(connect(pal, NAME, 80, { lookup }));
    expect(error).to.include({ code: 'EAI_AGAIN', kind: NetworkErrorCode.HostUnreachable });
  });

  it('reports what a resolver throws, and an answer without addresses', async () => {
    const { pal } = fixture;
    const cause = new Error('no resolver today');
    const thrown = await rejectionOf(
      connect(pal, NAME, 80, {
        lookup: () => {
          throw cause;
        },
      }),
    );
    expect(thrown).to.include({ code: 'ERR_LOOKUP_FAILED', kind: NetworkErrorCode.HostUnreachable, cause });
    const { lookup } = lookupIn({ 6: [], 4: [] });
    const empty = await rejectionOf(connect(pal, NAME, 80, { lookup }));
    expect(empty).to.include({ code: 'ENOTFOUND', kind: NetworkErrorCode.InvalidAddress });
  });

  it('takes an answer that comes inside the question', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const outcomes = new Outcomes();
    pal.asyncConnect(
      NAME,
      server.port,
      { family: 4, lookup: (_name, _options, callback) => callback(null, '127.0.0.1', 4) },
      outcomes.expect('connect'),
    );
    expect(outcomes.log, 'no callback inside the call').to.deep.equal([]);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['connect ok']);
  });

  it('is not a socket before it is connected, and says so', async () => {
    const { pal } = fixture;
    const { lookup } = lookupIn({ 6: 'never', 4: 'never' });
    const outcomes = new Outcomes();
    const handle = pal.asyncConnect(NAME, 80, { lookup }, outcomes.expect('connect'));
    for (const early of [
      () => pal.setSocketOption(handle, 'NoDelay', true),
      () => pal.getSocketOption(handle, 'NoDelay'),
      () => pal.asyncRead(handle, new Uint8Array(1), 1, () => undefined),
      () => pal.getRemoteAddress(handle),
    ]) {
      expect(thrownBy(early).code).to.equal('ENOTCONN');
    }
    expect(pal.describe()).to.match(/CONNECTING: host\.test port 80, being resolved/);
    pal.closeSocket(handle);
    await outcomes.settled(bed);
  });

  for (const how of ['closeSocket', 'resetSocket'] as const) {
    it(`is abandoned by ${how} while the name is being resolved, and ignores the answer`, async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0);
      const { lookup, answerNow } = lookupIn({ 6: 'never', 4: 'never' });
      const outcomes = new Outcomes();
      const handle = pal.asyncConnect(NAME, server.port, { lookup }, outcomes.expect('connect'));
      pal[how](handle, outcomes.expect('close'));
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal(['connect ECANCELED', 'close ok']);
      expectClosed(outcomes.errors.get('connect'));
      answerNow(['127.0.0.1']);
      expect(pal.stats().sockets, 'the server').to.equal(1);
    });

    it(`is abandoned by ${how} while attempts are under way`, async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0);
      const outcomes = new Outcomes();
      // Closed in the turn in which the attempt has started: its outcome is not known yet.
      const handle = pal.asyncConnect(
        NAME,
        server.port,
        {
          family: 4,
          lookup: (_name, _options, callback) => {
            callback(null, '127.0.0.1', 4);
            setImmediate(() => pal[how](handle, outcomes.expect('close')));
          },
        },
        outcomes.expect('connect'),
      );
      await outcomes.settled(bed);
      expect(outcomes.log.at(-1)).to.equal('close ok');
      expect(outcomes.log[0]).to.be.oneOf(['connect ECANCELED', 'connect ok']);
    });
  }

  it('is cancelled by its handle, or by a signal, while the name is being resolved', async () => {
    const { pal } = fixture;
    const { lookup, answerNow } = lookupIn({ 6: 'never', 4: 'never' });
    const outcomes = new Outcomes();
    const abort = new AbortController();
    const { signal } = abort;
    const handle = pal.asyncConnect(NAME, 80, { lookup }, outcomes.expect('cancelled'));
    pal.asyncConnect(NAME, 80, { lookup, signal }, outcomes.expect('aborted'));
    expect(pal.cancel(handle)).to.equal(true);
    abort.abort();
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['cancelled ECANCELED', 'aborted ABORT_ERR']);
    for (const error of outcomes.errors.values()) expect(error?.kind).to.equal(NetworkErrorCode.Interrupted);
    expect(pal.cancel(handle), 'it is over').to.equal(false);
    answerNow(['127.0.0.1']);
    expect(pal.stats().sockets).to.equal(0);
  });

  it('gives up when the timeout comes before the resolver', async () => {
    const { pal } = fixture;
    const { lookup, answerNow } = lookupIn({ 6: 'never', 4: 'never' });
    const error = await rejectionOf(connect(pal, NAME, 80, { lookup, timeout: 20 }));
    expect(error).to.include({ code: 'ETIMEDOUT', kind: NetworkErrorCode.Timeout, hostname: NAME, port: 80 });
    expect(error.syscall).to.equal('lookup');
    expect(error.message).to.match(/not completed within 20 ms \(the name was not resolved yet\)$/);
    answerNow(['127.0.0.1']);
    expect(pal.stats().sockets).to.equal(0);
  });

  if (!bed.real) {
    it('gives up when the timeout comes before any address answers, and lists what had failed', async () => {
      const { pal } = fixture;
      // The simulation's network swallows SYNs to the first and the last.
      const { lookup } = lookupIn({ 6: ['2001:db8:1::1', '::1'], 4: ['192.0.2.1'] });
      // Time enough for all attempts to begin and the one to be refused: on a busy machine, four times as much.
      let timeout = 100;
      const attempt = (): Promise<NetworkError> =>
        rejectionOf(connect(pal, NAME, REFUSING_PORT, { lookup, timeout, attemptDelay: 10 }));
      let error = await attempt();
      while (!error.message.includes('2 attempts under way; failed') && timeout < 30_000) {
        timeout *= 4;
        error = await attempt();
      }
      expect(error).to.include({ code: 'ETIMEDOUT', kind: NetworkErrorCode.Timeout, syscall: 'ConnectEx' });
      expect(error.message).to.match(/within \d+ ms \(2 attempts under way; failed: \[::1\]:1 ECONNREFUSED\)$/);
      expect(error.message).to.include(`within ${timeout} ms`);
      expect(error.attempts?.map(({ address }) => address)).to.deep.equal(['::1']);
    });

    it('says whom and what a connect to an address has waited for', async () => {
      const error = await rejectionOf(connect(fixture.pal, '192.0.2.1', 80, { timeout: 20 }));
      expect(error).to.include({ code: 'ETIMEDOUT', kind: NetworkErrorCode.Timeout, syscall: 'ConnectEx' });
      expect(error).to.include({ address: '192.0.2.1', port: 80 });
      expect(error.message).to.equal('connect ETIMEDOUT 192.0.2.1:80: not completed within 20 ms');
    });

    it('starts the next attempt beside one that does not answer', async () => {
      const { pal } = fixture;
      const zone = { 6: ['2001:db8:1::1'], 4: ['127.0.0.1'] };
      const { client } = await through(pal, '127.0.0.1', zone, { attemptDelay: 10 });
      expect(pal.getRemoteAddress(client)).to.equal('127.0.0.1');
    });
  }

  it('keeps many apart: each handle reaches its own connection', async () => {
    const { pal } = fixture;
    const server = serverOnUnclaimedPort(pal);
    const { lookup } = lookupIn({ 6: ['::1'], 4: ['127.0.0.1'] });
    const COUNT = 40;
    const serve = async (): Promise<void> => {
      const { socket }: Accepted = await accept(pal, server.handle);
      await echo(pal, socket);
    };
    const talk = async (index: number): Promise<void> => {
      // Every third by address, so that handles of attempts are given out again to others meanwhile.
      const client =
        index % 3 === 0
          ? await connect(pal, '127.0.0.1', server.port)
          : await connect(pal, NAME, server.port, { lookup });
      for (const word of ['one', 'two', 'three']) {
        const text = `${index} ${word}`;
        await write(pal, client, Buffer.from(text));
        expect((await readExactly(pal, client, text.length)).toString()).to.equal(text);
      }
      await close(pal, client);
    };
    const served = Array.from({ length: COUNT }, serve);
    await Promise.all(Array.from({ length: COUNT }, (_, index) => talk(index)));
    await Promise.all(served);
    expect(pal.stats()).to.include({ sockets: 1, droppedPackets: 0 });
  });

  it("a server on 'localhost' is on 127.0.0.1, and found by that name", async () => {
    const { pal } = fixture;
    const { lookup } = lookupIn({ 6: ['::1'], 4: ['127.0.0.1'] });
    for (const name of ['localhost', 'LocalHost.', 'app.localhost']) {
      const server = pal.createServer(name, 0);
      expect(server.address).to.equal('127.0.0.1');
      await Promise.all([connect(pal, name, server.port, { lookup }), accept(pal, server.handle)]);
    }
  });

  if (bed.real) {
    it("resolves 'localhost' through the system", async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0);
      // IPv4 only: the hosts file has it everywhere, so no question leaves this machine.
      const [client] = await Promise.all([
        connect(pal, 'localhost', server.port, { family: 4 }),
        accept(pal, server.handle),
      ]);
      expect(pal.getRemoteAddress(client)).to.equal('127.0.0.1');
    });

    it('reports what the system says of a name that cannot be', async () => {
      // Longer than a name may be once it is in ASCII: the resolver refuses it without asking anybody.
      const error = await rejectionOf(connect(fixture.pal, 'ü'.repeat(60), 80));
      expect(error.hostname).to.have.length(60);
      expect(error.kind).to.be.oneOf([NetworkErrorCode.InvalidAddress, NetworkErrorCode.HostUnreachable]);
      expect(error.cause).to.be.instanceOf(Error);
    });
  }
});

onEveryBed('stopEventLoop and names', (bed) => {
  const fixture = testPal(bed);

  it('ends while a name is being resolved, and ignores the answer', async () => {
    const { pal } = fixture;
    const { lookup, answerNow } = lookupIn({ 6: 'never', 4: 'never' });
    const outcomes = new Outcomes();
    pal.asyncConnect(NAME, 80, { lookup }, outcomes.expect('connect'));
    await pal.stopEventLoop();
    expect(outcomes.log).to.deep.equal(['connect ECANCELED']);
    answerNow(['127.0.0.1']);
    await outcomes.settled(bed);
  });
});
