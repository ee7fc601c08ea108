/** initialize, runEventLoop, stopEventLoop, and round again. */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkError, type NetworkPal } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed, rejectionOf, thrownBy } from '../../support/errors.ts';
import { accept, connect, echo, pair, read, readExactly, REFUSING_PORT, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

onEveryBed('before the loop runs', (bed) => {
  const calls: Record<string, (pal: NetworkPal) => unknown> = {
    runEventLoop: (pal) => pal.runEventLoop(),
    createServer: (pal) => pal.createServer('127.0.0.1', 0),
    asyncConnect: (pal) => pal.asyncConnect('127.0.0.1', 1, {}, () => undefined),
    asyncAccept: (pal) => pal.asyncAccept(1 as never, () => undefined),
    asyncRead: (pal) => pal.asyncRead(1 as never, new Uint8Array(1), 1, () => undefined),
    asyncReadView: (pal) => pal.asyncReadView(1 as never, () => undefined),
    asyncDrain: (pal) => pal.asyncDrain(1 as never, 0, () => undefined),
    asyncWrite: (pal) => pal.asyncWrite(1 as never, new Uint8Array(1), () => undefined),
    closeSocket: (pal) => pal.closeSocket(1 as never),
    resetSocket: (pal) => pal.resetSocket(1 as never),
    shutdown: (pal) => pal.shutdown(1 as never, 'send'),
    setSocketOption: (pal) => pal.setSocketOption(1 as never, 'NoDelay', true),
    getSocketOption: (pal) => pal.getSocketOption(1 as never, 'NoDelay'),
    getLocalPort: (pal) => pal.getLocalPort(1 as never),
    getLocalAddress: (pal) => pal.getLocalAddress(1 as never),
    getRemotePort: (pal) => pal.getRemotePort(1 as never),
    getRemoteAddress: (pal) => pal.getRemoteAddress(1 as never),
    getQueuedBytes: (pal) => pal.getQueuedBytes(1 as never),
    allocateBuffer: (pal) => pal.allocateBuffer(1),
    ref: (pal) => pal.ref(1 as never),
    unref: (pal) => pal.unref(1 as never),
    stats: (pal) => pal.stats(),
    describe: (pal) => pal.describe(),
  };

  it('stopEventLoop has nothing to do', async () => {
    await bed.create().stopEventLoop();
  });

  it('every other call before initialize() is refused and says so', () => {
    const pal = bed.create();
    expect(pal.isRunning()).to.equal(false);
    for (const [name, call] of Object.entries(calls)) {
      const error = thrownBy(() => call(pal));
      expect(error, name).to.include({ code: 'ERR_NOT_INITIALIZED', kind: NetworkErrorCode.NotInitialized });
      expect(error.message, name).to.match(/Call initialize\(\) first/);
    }
  });

  it('a second initialize() is refused', async () => {
    const pal = bed.create({ strict: true });
    pal.initialize();
    const error = thrownBy(() => pal.initialize());
    expect(error).to.include({ code: 'ERR_ALREADY_INITIALIZED', kind: NetworkErrorCode.AlreadyInitialized });
    await pal.stopEventLoop();
  });

  it('a PAL that never ran can be stopped', async () => {
    const pal = bed.create({ strict: true });
    pal.initialize();
    pal.createServer('127.0.0.1', 0);
    await pal.stopEventLoop();
    expect(pal.isRunning()).to.equal(false);
  });

  it('what was asked for before runEventLoop() is done by it', async () => {
    const pal = bed.create({ strict: true });
    pal.initialize();
    const server = pal.createServer('127.0.0.1', 0);
    const accepted = accept(pal, server.handle);
    const connected = connect(pal, '127.0.0.1', server.port);
    let called = false;
    void connected.then(() => (called = true));
    await turns(10, bed);
    expect(called, 'callbacks run while the loop runs').to.equal(false);
    const running = pal.runEventLoop();
    await Promise.all([accepted, connected]);
    await pal.stopEventLoop();
    await running;
  });
});

onEveryBed('event loop', (bed) => {
  const fixture = testPal(bed);

  it('cannot run twice at a time', () => {
    const error = thrownBy(() => fixture.pal.runEventLoop());
    expect(error).to.include({ code: 'ERR_EVENT_LOOP_RUNNING', kind: NetworkErrorCode.EventLoopError });
    expect(fixture.pal.isRunning()).to.equal(true);
  });

  it('two PALs run side by side and talk to each other', async () => {
    const { pal } = fixture;
    const other = bed.create({ strict: true });
    other.initialize();
    const running = other.runEventLoop();
    const server = other.createServer('127.0.0.1', 0);
    const [client, { socket }] = await Promise.all([
      connect(pal, '127.0.0.1', server.port),
      accept(other, server.handle),
    ]);
    await write(pal, client, seededBytes(100));
    expect((await readExactly(other, socket, 100)).equals(seededBytes(100))).to.equal(true);
    await other.stopEventLoop();
    await running;
    expect((await read(pal, client)).length).to.equal(0);
  });

  it('stops with everything pending: each callback once, with ConnectionClosed', async () => {
    const { pal } = fixture;
    const outcomes = new Outcomes();
    const server = pal.createServer('127.0.0.1', 0);
    const { client, served } = await pair(pal);
    pal.asyncAccept(server.handle, outcomes.expect('accept'));
    pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect('read'));
    pal.asyncRead(served, new Uint8Array(10), 10, outcomes.expect('peer read'));
    pal.asyncConnect('127.0.0.1', server.port, {}, outcomes.expect('connect'));
    await pal.stopEventLoop();
    await outcomes.settled(bed);
    expect([...outcomes.log].sort()).to.deep.equal([
      'accept ECANCELED',
      'connect ECANCELED',
      'peer read ECANCELED',
      'read ECANCELED',
    ]);
    for (const error of outcomes.errors.values()) expectClosed(error);
    expect(pal.isRunning()).to.equal(false);
  });

  it('stops in the middle of traffic, and every callback comes once', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    let answered = 0;
    const chatter = async (): Promise<void> => {
      const [client, { socket }] = await Promise.all([
        connect(pal, '127.0.0.1', server.port),
        accept(pal, server.handle),
      ]);
      const echoing = echo(pal, socket);
      echoing.catch(() => undefined); // it ends as the other side does
      for (;;) {
        await Promise.all([write(pal, client, seededBytes(500)), readExactly(pal, client, 500)]);
        answered++;
      }
    };
    const ending = Promise.allSettled(Array.from({ length: 20 }, () => chatter()));
    await until(
      () => answered >= 200,
      () => 'traffic',
      bed,
    );
    await pal.stopEventLoop();
    // Each of the twenty ended, so no callback was lost; one that came twice would have thrown.
    for (const result of await ending) {
      const reason: unknown = result.status === 'rejected' ? result.reason : null;
      expect(reason).to.have.property('code').that.is.oneOf(['ECANCELED', 'ERR_EVENT_LOOP_STOPPED']);
    }
  });

  it('flushes what was queued before it stops', async () => {
    const { pal } = fixture;
    const reader = bed.create({ strict: true });
    reader.initialize();
    const running = reader.runEventLoop();
    const server = reader.createServer('127.0.0.1', 0);
    const [client, { socket }] = await Promise.all([
      connect(pal, '127.0.0.1', server.port),
      accept(reader, server.handle),
    ]);
    const sent = seededBytes(6 * 1024 * 1024);
    const writing = write(pal, client, sent);
    const stopping = pal.stopEventLoop();
    expect((await readExactly(reader, socket, sent.length)).equals(sent)).to.equal(true);
    expect(await writing).to.equal(sent.length);
    await stopping;
    await reader.stopEventLoop();
    await running;
  });

  it('refuses new work while it stops and after, and says what to do', async () => {
    const { pal } = fixture;
    const { client, server } = await pair(pal);
    const stopping = pal.stopEventLoop();
    const calls = [
      () => pal.createServer('127.0.0.1', 0),
      () => pal.createUdpSocket('127.0.0.1', 0),
      () => pal.allocateBuffer(1),
    ];
    // A callback that goes on as usual, such as an echo's whose write was flushed just now, must not crash the process.
    const goingOn = [
      (callback: (error: NetworkError | null) => void) => pal.asyncRead(client, new Uint8Array(1), 1, callback),
      (callback: (error: NetworkError | null) => void) => pal.asyncReadView(client, callback),
      (callback: (error: NetworkError | null) => void) => pal.asyncWrite(client, new Uint8Array(1), callback),
      (callback: (error: NetworkError | null) => void) => pal.asyncAccept(server.handle, callback),
      (callback: (error: NetworkError | null) => void) => pal.asyncConnect('127.0.0.1', 1, {}, callback),
      (callback: (error: NetworkError | null) => void) => pal.asyncConnect('host.test', 1, {}, callback),
      (callback: (error: NetworkError | null) => void) => pal.asyncSendFile(client, 'file', {}, callback),
      (callback: (error: NetworkError | null) => void) => pal.watch(client, { readable: true }, callback),
    ];
    const answers = goingOn.map((call) => new Promise<NetworkError | null>((resolve) => call(resolve)));
    for (const call of calls) {
      const error = thrownBy(call);
      expect(error).to.include({ code: 'ERR_EVENT_LOOP_STOPPED', kind: NetworkErrorCode.EventLoopError });
      expect(error.message).to.match(/is stopping\. Call runEventLoop\(\) or initialize\(\)/);
    }
    pal.closeSocket(client); // cleaning up is still allowed
    expect(thrownBy(() => pal.initialize()).code).to.equal('ERR_ALREADY_INITIALIZED');
    expect(thrownBy(() => pal.runEventLoop()).code).to.equal('ERR_EVENT_LOOP_RUNNING');
    for (const answer of await Promise.all(answers)) {
      expect(answer).to.include({ code: 'ECANCELED', kind: NetworkErrorCode.ConnectionClosed });
    }
    await stopping;
    for (const call of calls) {
      const error = thrownBy(call);
      expect(error.code).to.equal('ERR_EVENT_LOOP_STOPPED');
      expect(error.message).to.match(/has stopped\. Call runEventLoop\(\) or initialize\(\) to begin anew$/);
    }
    const later = goingOn.map((call) => new Promise<NetworkError | null>((resolve) => call(resolve)));
    for (const answer of await Promise.all(later)) {
      expect(answer).to.include({ code: 'ECANCELED', kind: NetworkErrorCode.ConnectionClosed });
    }
    expect(pal.stats()).to.include({ sockets: 0, pendingCallbacks: 0 });
    expect(pal.describe()).to.be.a('string');
    await pal.stopEventLoop(); // a no-op
  });

  it('can be stopped from a callback, and gives one promise to all who stop it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const stopped = new Promise<void>((resolve, reject) => {
      pal.asyncRead(client, new Uint8Array(1), 1, () => {
        const first = pal.stopEventLoop();
        expect(pal.stopEventLoop()).to.equal(first);
        first.then(resolve, reject);
      });
    });
    await write(pal, served, seededBytes(1));
    await stopped;
    expect(pal.isRunning()).to.equal(false);
  });

  it('runs again after a stop, with fresh sockets', async () => {
    const { pal } = fixture;
    const { client: stale } = await pair(pal);
    await pal.stopEventLoop();
    for (let round = 0; round < 3; round++) {
      const running = pal.runEventLoop();
      expect(pal.isRunning()).to.equal(true);
      expect(pal.stats()).to.include({ sockets: 0, pendingCallbacks: 0 });
      const { client, served } = await pair(pal);
      await write(pal, client, seededBytes(100));
      expect((await readExactly(pal, served, 100)).equals(seededBytes(100))).to.equal(true);
      await pal.stopEventLoop();
      await running;
      expect(pal.isRunning()).to.equal(false);
    }
    expect(pal.getLocalPort(stale)).to.equal(0);
  });

  it('can be initialized again by hand after a stop', async () => {
    const { pal } = fixture;
    await pal.stopEventLoop();
    pal.initialize();
    const running = pal.runEventLoop();
    await pair(pal);
    await pal.stopEventLoop();
    await running;
  });

  it('never calls back inside the call that started it', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const early: string[] = [];
    let inside = '';
    const outcomes = new Outcomes();
    const during = (name: string, act: () => unknown): void => {
      inside = name;
      act();
      inside = '';
    };
    const noting = (label: string) => {
      const record = outcomes.expect(label);
      return (...args: Parameters<typeof record>): void => {
        if (inside !== '') early.push(`${label} inside ${inside}`);
        record(...args);
      };
    };
    during('accept', () => pal.asyncAccept(server.handle, noting('accept')));
    during('connect', () => pal.asyncConnect('127.0.0.1', server.port, {}, noting('connect')));
    const { client, served } = await pair(pal);
    await write(pal, served, seededBytes(10));
    during('read', () => pal.asyncRead(client, new Uint8Array(10), 10, noting('read')));
    during('write', () => pal.asyncWrite(client, seededBytes(10), noting('write')));
    during('write after end', () => {
      pal.shutdown(client, 'send');
      pal.asyncWrite(client, seededBytes(1), noting('late write'));
    });
    await outcomes.settled(bed);
    during('close', () => pal.closeSocket(client, noting('close')));
    during('second close', () => pal.closeSocket(client, noting('second close')));
    await outcomes.settled(bed);
    during('close of a closed one', () => pal.closeSocket(client, noting('third close')));
    await outcomes.settled(bed);
    expect(early).to.deep.equal([]);
  });

  it('goes on after an operation has failed', async () => {
    const { pal } = fixture;
    await rejectionOf(connect(pal, '127.0.0.1', REFUSING_PORT));
    const { client, served } = await pair(pal);
    await write(pal, client, seededBytes(10));
    expect((await readExactly(pal, served, 10)).equals(seededBytes(10))).to.equal(true);
  });
});
