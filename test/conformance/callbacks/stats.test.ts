/** stats(), inspect() and describe(): the counters count what they say, and data and text name what is open. */
import { expect } from 'chai';
import { NetworkErrorCode, type SocketDescription } from '../../../src/index.ts';
import { TICK_MS } from '../../../src/loop/deadline-wheel.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { rejectionOf } from '../../support/errors.ts';
import { close, connect, pair, read, readExactly, REFUSING_PORT, write } from '../../support/io.ts';
import { lookupIn } from '../../support/lookups.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

onEveryBed('stats', (bed) => {
  const fixture = testPal(bed, { maxOperations: undefined }); // the default, whatever the bed has

  it('start at zero', () => {
    const stats = fixture.pal.stats();
    expect(stats.operations).to.deep.equal({ receive: 0, send: 0, accept: 0, connect: 0 });
    expect(stats).to.include({ sockets: 0, servers: 0, pendingCallbacks: 0, accepted: 0, connected: 0 });
    expect(stats).to.include({ bytesReceived: 0, bytesSent: 0, queuedBytes: 0, pinnedBytes: 0 });
    expect(stats).to.include({ acceptErrors: 0, droppedPackets: 0 });
    expect(stats.freeSlots).to.equal(stats.slots);
    expect(stats.slots).to.equal(65536);
  });

  it('count sockets, connections and bytes', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await Promise.all([write(pal, client, seededBytes(100_000)), readExactly(pal, served, 100_000)]);
    await Promise.all([write(pal, served, seededBytes(5)), readExactly(pal, client, 5)]);
    const stats = pal.stats();
    expect(stats).to.include({ sockets: 3, servers: 1, accepted: 1, connected: 1 });
    expect(stats).to.include({ bytesSent: 100_005, bytesReceived: 100_005, queuedBytes: 0 });
    await close(pal, client);
    expect(pal.stats().sockets).to.equal(2);
  });

  it('count pending callbacks of every kind', async () => {
    const { pal } = fixture;
    const { client, server } = await pair(pal);
    const nothing = (): void => undefined;
    pal.asyncAccept(server.handle, nothing);
    pal.asyncAccept(server.handle, nothing);
    pal.asyncRead(client, new Uint8Array(1), 1, nothing);
    pal.asyncRead(client, new Uint8Array(1), 1, nothing);
    expect(pal.stats().pendingCallbacks).to.equal(4);
    pal.closeSocket(client, nothing);
    expect(pal.stats().pendingCallbacks, 'with the close').to.equal(5);
  });

  it('a snapshot does not change afterwards', async () => {
    const { pal } = fixture;
    const before = pal.stats();
    const copy = structuredClone(before);
    await pair(pal);
    expect(before).to.deep.equal(copy);
    expect(pal.stats().sockets).to.equal(3);
  });

  it('a failed connect counts as none', async () => {
    const { pal } = fixture;
    await connect(pal, '127.0.0.1', REFUSING_PORT).catch(() => undefined);
    expect(pal.stats()).to.include({ connected: 0, sockets: 0 });
  });
});

onEveryBed('inspect()', (bed) => {
  const fixture = testPal(bed);
  const nothing = (): void => undefined;
  const socketOf = (handle: number): SocketDescription =>
    fixture.pal.inspect().sockets.find((socket) => socket.handle === handle)!;

  it('is empty when there is nothing', () => {
    expect(fixture.pal.inspect()).to.deep.equal({
      state: 'running',
      operations: 0,
      pendingCallbacks: 0,
      queuedBytes: 0,
      sockets: [],
    });
  });

  it('describes a server: where it listens, its accept pool, who waits', () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 3 });
    pal.asyncAccept(server.handle, nothing);
    pal.asyncAccept(server.handle, nothing);
    const described = socketOf(server.handle);
    expect(described).to.deep.include({ kind: 'server', state: 'LISTENING', peer: null, watching: null });
    expect(described.local).to.deep.equal({ address: '127.0.0.1', port: server.port, family: 4 });
    expect(described.queues).to.include({ acceptsPosted: 3, connectionsUntaken: 0, acceptsWaiting: 2 });
    expect(described).to.include({ pendingCallbacks: 2, referenced: true });
    expect(described.operations.map(({ kind }) => kind)).to.deep.equal(['Accept', 'Accept', 'Accept']);
    expect(new Set(described.operations.map(({ slot }) => slot)).size, 'slots').to.equal(3);
    expect(described.requests.map(({ kind }) => kind)).to.deep.equal(['accept', 'accept']);
  });

  it('sums up the accepts that an idle server has posted in one line', () => {
    const { pal } = fixture;
    pal.createServer('127.0.0.1', 0);
    const lines = pal.describe().split('\n');
    const accepts = lines.filter((line) => line.includes('Accept'));
    expect(accepts).to.deep.equal(['    32 × Accept: Submitted']);
    const one = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const described = pal.inspect().sockets.find(({ handle }) => handle === one.handle);
    expect(pal.describe()).to.contain(`    Accept in slot ${described!.operations[0]!.slot}: Submitted`);
  });

  it('describes a connection: its peer, what is pending in order, and its queues', async () => {
    const { pal } = fixture;
    const { server, client, served } = await pair(pal);
    expect(socketOf(client)).to.deep.include({ kind: 'connection', state: 'CONNECTED', requests: [], operations: [] });
    expect(socketOf(client).peer).to.deep.equal({ address: '127.0.0.1', port: server.port, family: 4 });
    expect(socketOf(served).peer).to.include({ port: pal.getLocalPort(client) });

    pal.asyncRead(client, new Uint8Array(77), 77, nothing);
    pal.asyncRead(client, new Uint8Array(9), 5, nothing);
    expect(socketOf(client)).to.include({ state: 'READING', pendingCallbacks: 2 });
    pal.asyncWrite(client, new Uint8Array(10), nothing);
    pal.asyncWrite(client, [new Uint8Array(20), new Uint8Array(3)], nothing);
    const described = socketOf(client);
    expect(described).to.include({ state: 'READING+WRITING', pendingCallbacks: 4 });
    expect(described.queues).to.deep.include({ readsWaiting: 2, writesWaiting: 2, bytesUnread: 0 });
    expect(described.queues['bytesQueued']).to.equal(pal.getQueuedBytes(client));
    expect(described.requests.map(({ kind, bytes }) => ({ kind, bytes }))).to.deep.equal([
      { kind: 'read', bytes: 77 },
      { kind: 'read', bytes: 5 },
      { kind: 'write', bytes: 10 },
      { kind: 'write', bytes: 23 },
    ]);
    for (const { origin } of described.requests) expect(origin).to.include('stats.test');
    expect(described.operations.map(({ kind }) => kind)).to.deep.equal(['Receive', 'Send']);
    expect(described.operations.map(({ syscall }) => syscall)).to.deep.equal(['WSARecv', 'WSASend']);
    await readExactly(pal, served, 33);
    // The bytes may be there before the writer has heard that they have gone.
    await until(
      () => socketOf(client).pendingCallbacks === 2,
      () => `2 callbacks owed: ${pal.describe()}`,
      bed,
    );
    expect(socketOf(client).state).to.equal('READING');
  });

  it('describes connects, closes, watches and what is unreferenced', async () => {
    const { pal } = fixture;
    const { server, client, served } = await pair(pal);
    const connecting = pal.asyncConnect('127.0.0.1', server.port, {}, nothing);
    expect(socketOf(connecting)).to.include({ state: 'CONNECTING', pendingCallbacks: 1 });
    expect(socketOf(connecting).peer, 'whom it connects to').to.include({ port: server.port });
    expect(socketOf(connecting).requests).to.deep.equal([
      { kind: 'connect', bytes: 0, done: 0, timeLeftMs: null, hasSignal: false },
    ]);
    pal.watch(served, { readable: true }, nothing);
    expect(socketOf(served).watching).to.deep.equal({ readable: true, writable: false });
    pal.unref(served);
    expect(socketOf(served).referenced).to.equal(false);
    pal.asyncRead(client, new Uint8Array(1), 1, nothing);
    pal.closeSocket(client);
    expect(socketOf(client).state).to.equal('CLOSING');
    pal.closeSocket(connecting);
    pal.closeSocket(server.handle);
    expect(socketOf(server.handle).state).to.equal('CLOSING');
  });

  it('says of each call that waits how long it may, and whether a signal can end it', async () => {
    const { pal } = fixture;
    const { server, client } = await pair(pal);
    const { signal } = new AbortController();
    const udp = pal.createUdpSocket('127.0.0.1', 0);
    pal.asyncRead(client, new Uint8Array(5), 5, { timeout: 50_000, signal }, nothing);
    pal.asyncRead(client, new Uint8Array(5), 5, nothing);
    pal.asyncWrite(client, new Uint8Array(6), { timeout: 60_000 }, nothing);
    pal.asyncAccept(server.handle, { timeout: 70_000, signal }, nothing);
    pal.asyncReceiveFrom(udp.handle, new Uint8Array(7), 7, { timeout: 80_000 }, nothing);
    const { lookup } = lookupIn({ 4: 'never', 6: 'never' });
    const named = pal.asyncConnect('host.test', 80, { lookup, timeout: 90_000, signal }, nothing);
    const seen: [number, number, boolean][] = [
      [client, 50_000, true],
      [server.handle, 70_000, true],
      [udp.handle, 80_000, false],
      [named, 90_000, true],
    ];
    for (const [handle, timeout, hasSignal] of seen) {
      const [request] = socketOf(handle).requests;
      expect(request?.hasSignal).to.equal(hasSignal);
      // Rounded up to a tick of the wheel; a busy machine may have taken its time since.
      expect(request?.timeLeftMs).to.be.within(timeout - 30_000, timeout + TICK_MS);
    }
    expect(socketOf(client).requests[1]).to.include({ kind: 'read', timeLeftMs: null, hasSignal: false });
    expect(socketOf(client).requests[2]?.timeLeftMs).to.be.within(30_000, 60_000 + TICK_MS);
    const text = pal.describe();
    expect(text).to.match(/\n {4}read of up to 5 bytes, \d+ ms left, with a signal\n/);
    expect(text).to.match(/\n {4}read of up to 5 bytes\n/);
    expect(text).to.match(/\n {4}write, 0 of 6 bytes sent, \d+ ms left\n/);
    expect(text).to.match(/\n {4}accept, \d+ ms left, with a signal\n/);
    expect(text).to.match(/\n {4}receive of up to 7 bytes, \d+ ms left\n/);
    expect(text).to.match(/\n {4}connect, \d+ ms left, with a signal(\n|$)/);
    pal.closeSocket(named);
    pal.closeSocket(udp.handle);
  });

  it('describes a file that is being sent: which, from where on, and how much of it has gone', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const size = 24 * 1024 * 1024; // more than any kernel buffers for a peer that does not read
    const file = bed.putFile('described', seededBytes(size));
    let sent = 0;
    const onProgress = (bytes: number): unknown => (sent = bytes);
    const head = Buffer.from('head');
    pal.asyncSendFile(client, file, { offset: 100, head, onProgress }, nothing);
    pal.asyncSendFile(client, file, { offset: 7, length: 9, transmitFile: false }, nothing);
    const [first, second] = socketOf(client).requests;
    const waiting = { offset: 100, length: null, sent: 0 };
    expect(first).to.deep.include({ kind: 'sendFile', bytes: 4, done: 0, file: { source: file, ...waiting } });
    expect(second?.file).to.deep.equal({ source: file, offset: 7, length: null, sent: 0 });
    expect(socketOf(client).queues).to.include({ writesWaiting: 2, bytesQueued: 4 });
    expect(pal.describe()).to.include(`sendFile of ${file} from byte 100 on, 0 bytes sent`);
    await readExactly(pal, served, 100_000);
    await until(
      () => sent > 0,
      () => `progress; ${sent} bytes have been sent`,
      bed,
    );
    const [under] = socketOf(client).requests;
    expect(under).to.deep.include({ bytes: size - 100 + 4, done: sent + 4 });
    expect(under?.file).to.deep.equal({ source: file, offset: 100, length: size - 100, sent });
    expect(pal.describe()).to.include(`sendFile of ${file} from byte 100 on, ${sent} of ${size - 100} bytes sent`);
    pal.resetSocket(client);
  });

  it('lists every kind of socket, and what connects by name at each stage', async () => {
    const { pal } = fixture;
    const { server, client, served } = await pair(pal);
    const udp = pal.createUdpSocket('127.0.0.1', 0);
    pal.asyncReceiveFrom(udp.handle, new Uint8Array(7), 7, nothing);
    const { lookup, answerNow } = lookupIn({ 4: 'never', 6: 'never' });
    let answered = false;
    const named = pal.asyncConnect('host.test', server.port, { lookup }, () => (answered = true));
    expect(pal.inspect().sockets.map(({ handle, kind }) => ({ handle, kind }))).to.have.deep.members([
      { handle: server.handle, kind: 'server' },
      { handle: client, kind: 'connection' },
      { handle: served, kind: 'connection' },
      { handle: udp.handle, kind: 'udp' },
      { handle: named, kind: 'connection' },
    ]);
    expect(socketOf(named)).to.deep.include({
      state: 'CONNECTING',
      systemSocket: -1,
      name: `host.test port ${server.port}, being resolved`,
      peer: null,
      operations: [],
      pendingCallbacks: 1,
    });
    expect(socketOf(udp.handle)).to.deep.include({ state: 'BOUND', pendingCallbacks: 1 });
    expect(socketOf(udp.handle).queues['receivesPosted']).to.be.above(0);
    for (const { handle, kind, state } of pal.inspect().sockets) {
      const line = new RegExp(`\\n  ${kind} ${handle} \\(SOCKET -?\\d+\\), \\d+ ms old, ${state}: `);
      expect(pal.describe()).to.match(line);
    }
    expect(pal.describe()).to.include(`CONNECTING: host.test port ${server.port}, being resolved, 1 callbacks owed`);
    answerNow(['127.0.0.1']);
    await until(
      () => answered,
      () => 'the connection',
      bed,
    );
    expect(socketOf(named)).to.deep.include({ state: 'CONNECTED', name: null });
    expect(socketOf(named).peer).to.include({ port: server.port });
    pal.closeSocket(udp.handle);
  });

  if (!bed.real) {
    it('lists the attempts of a connect by name, each with the address that it tries', async () => {
      const { pal } = fixture;
      // The simulation's network swallows SYNs to these.
      const { lookup } = lookupIn({ 6: ['2001:db8:1::1'], 4: ['192.0.2.1'] });
      const named = pal.asyncConnect('host.test', 80, { lookup, attemptDelay: 10 }, nothing);
      await until(
        () => pal.inspect().sockets.length === 3,
        () => `two attempts; there are ${pal.inspect().sockets.length - 1}`,
        bed,
      );
      expect(socketOf(named).name).to.equal('host.test port 80, 2 of 2 attempts under way');
      const attempts = pal.inspect().sockets.filter(({ handle }) => handle !== named);
      expect(attempts.map(({ peer }) => peer?.address)).to.deep.equal(['2001:db8:1::1', '192.0.2.1']);
      for (const { state, operations, referenced } of attempts) {
        expect({ state, referenced }).to.deep.equal({ state: 'CONNECTING', referenced: false });
        expect(operations.map(({ syscall }) => syscall)).to.deep.equal(['ConnectEx']);
      }
      expect(pal.describe()).to.match(/CONNECTING: peer 192\.0\.2\.1 port 80, 1 callbacks owed, unreferenced/);
      pal.closeSocket(named);
    });
  }

  it('agrees with stats(), is plain data, and does not change afterwards', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    pal.asyncRead(client, new Uint8Array(1), 1, nothing);
    const [described, stats] = [pal.inspect(), pal.stats()];
    expect(described.sockets.length).to.equal(stats.sockets);
    expect(described).to.include({ pendingCallbacks: stats.pendingCallbacks, queuedBytes: stats.queuedBytes });
    expect(described.operations).to.equal(stats.slots - stats.freeSlots);
    const copy = structuredClone(described);
    expect(JSON.parse(JSON.stringify(described))).to.deep.equal(copy);
    await close(pal, client);
    expect(described).to.deep.equal(copy);
    for (const { ageMs } of pal.inspect().sockets) expect(ageMs).to.be.within(0, 60_000);
  });

  it('counts the age of a socket', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    await until(
      () => socketOf(server.handle).ageMs >= 30,
      () => `an age of 30 ms; it is ${socketOf(server.handle).ageMs} ms`,
      bed,
    );
  });

  it('says the state of the PAL', async () => {
    const pal = bed.create();
    pal.initialize();
    expect(pal.inspect().state).to.equal('ready');
    const running = pal.runEventLoop();
    expect(pal.inspect().state).to.equal('running');
    const stopping = pal.stopEventLoop();
    expect(pal.inspect().state).to.equal('stopping');
    await Promise.all([running, stopping]);
    // What it was at the end stays.
    expect(pal.inspect()).to.deep.include({ state: 'stopping', sockets: [] });
  });
});

onEveryBed('describe()', (bed) => {
  const fixture = testPal(bed);

  it('names every socket with its state, its peer and the place that made it', async () => {
    const { pal } = fixture;
    const { server, client, served } = await pair(pal);
    const nothing = (): void => undefined;
    pal.asyncRead(client, new Uint8Array(77), 77, nothing);
    pal.asyncWrite(served, new Uint8Array(10), nothing);
    const text = pal.describe();
    expect(text).to.match(/^3 sockets/);
    for (const handle of [server.handle, client, served])
      expect(text).to.match(new RegExp(`(server|connection) ${handle} \\(SOCKET \\d+\\), \\d+ ms old`));
    expect(text).to.include('READING').and.to.include('WRITING').and.to.include('LISTENING');
    expect(text).to.include(`127.0.0.1 port ${server.port}`);
    expect(text).to.include('read of up to 77 bytes');
    expect(text).to.include('10 bytes queued');
    expect(text, 'the lines of this test').to.include('stats.test');
  });

  it('has one line without origins, when there is nothing', () => {
    expect(fixture.pal.describe()).to.match(/^0 sockets[^\n]*$/);
  });
});

onEveryBed('maxOperations', (bed) => {
  const most = 16;
  const fixture = testPal(bed, { maxOperations: most });

  it('exhausted refuses further operations, with advice, and recovers', async () => {
    const { pal } = fixture;
    const pairs = [];
    for (let count = 0; count < 9; count++) {
      const made = await pair(pal);
      await close(pal, made.server.handle);
      pairs.push(made);
    }
    const sockets = pairs.flatMap(({ client, served }) => [client, served]);
    expect(pal.stats()).to.include({ slots: most, freeSlots: most });
    const nothing = (): void => undefined;
    for (const socket of sockets.slice(0, most)) pal.asyncRead(socket, new Uint8Array(1), 1, nothing);
    expect(pal.stats().freeSlots).to.equal(0);
    const spare = sockets[most]!;
    for (const call of [() => read(pal, spare), () => write(pal, spare, new Uint8Array(1))]) {
      const error = await rejectionOf(call());
      expect(error).to.include({ code: 'ERR_TOO_MANY_OPERATIONS', kind: NetworkErrorCode.ResourceExhausted });
      expect(error.message).to.match(/all 16 are under way\. Raise maxOperations/);
    }
    const refused = await connect(pal, '127.0.0.1', REFUSING_PORT).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'ERR_TOO_MANY_OPERATIONS' });
    expect(pal.stats()).to.include({ pendingCallbacks: most, queuedBytes: 0 });
    // A second read on a socket that reads already needs no slot.
    pal.asyncRead(sockets[0]!, new Uint8Array(1), 1, nothing);
    await close(pal, sockets[0]!);
    await write(pal, spare, seededBytes(1));
    expect((await readExactly(pal, sockets[most + 1]!, 1)).equals(seededBytes(1))).to.equal(true);
  });
});
