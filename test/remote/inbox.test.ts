/** Submissions to a loop on the simulated platform: what is carried out, in which order, and what is answered. */
import { expect } from 'chai';
import { ERROR_NO_SYSTEM_RESOURCES } from '../../ffi/wsa-errors.ts';
import { createNetworkPal, NetworkError, openRemote, type AnyHandle, type SocketHandle } from '../../src/index.ts';
import { RemoteCommand } from '../../src/remote/commands.ts';
import { cellsFor, HEADER_BYTES, INSIDE, LOAD, TAIL, viewRing } from '../../src/remote/ring-layout.ts';
import { openRing } from '../../src/remote/remote-loop.ts';
import { simulatePlatform, simulateNetwork, type SimulatedPlatform } from '../../src/sim/index.ts';
import { simulatedWindows } from '../support/beds.ts';
import { close, connect, pair, read, readExactly, readToEnd } from '../support/io.ts';
import { rejectionOf } from '../support/errors.ts';
import { testPal } from '../support/pal-fixture.ts';
import { collectUncaught } from '../support/uncaught.ts';
import { turns, until } from '../support/until.ts';

const network = simulateNetwork({ seed: 3, segmentSize: 1460 });
network.drive();

describe('remote/inbox', () => {
  let platform: SimulatedPlatform;
  const fixture = testPal(simulatedWindows, () => {
    platform = network.platform({ keepAlive: true });
    return { platform, remoteQueueBytes: 4096 };
  });

  const failures: { error: NetworkError; socket: AnyHandle }[] = [];
  beforeEach(() => {
    failures.length = 0;
    fixture.pal.onRemoteError((error, socket) => failures.push({ error, socket }));
  });
  const codesAfter = async (count: number): Promise<string[]> => {
    await until(
      () => failures.length === count,
      () => `${count} failures, not ${failures.length}`,
    );
    return failures.map(({ error }) => error.code);
  };

  it('writes in order, and closes behind what was written', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const remote = openRemote(structuredClone(pal.remote()), { platform });
    remote.write(served, Buffer.from('one '));
    remote.write(served, Buffer.from('two '));
    remote.write(served, Buffer.from('three'));
    remote.close(served);
    expect((await readToEnd(pal, client)).toString()).to.equal('one two three');
    expect(failures).to.deep.equal([]);
  });

  it('passes over a submission that threw in the middle, and does what is behind it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    class Broken extends Uint8Array {
      looks = 5;
      override get byteLength(): number {
        return this.looks++;
      }
      override subarray(): never {
        throw new Error('no bytes');
      }
    }
    const remote = openRemote(pal.remote(), { platform });
    remote.write(served, Buffer.from('one '));
    // (A user's array is exchanged for a plain one before it gets here: the queue does not rely on that.)
    const ring = openRing(pal.remote(), { platform });
    expect(() => ring.submit(RemoteCommand.Write, served, new Broken(6))).to.throw('no bytes');
    remote.write(served, Buffer.from('two'));
    expect((await readExactly(pal, client, 7)).toString()).to.equal('one two');
    expect(failures).to.deep.equal([]);
  });

  it('copies what is written', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const data = Buffer.from('before');
    openRemote(pal.remote(), { platform }).write(served, data);
    data.fill('x');
    expect((await readExactly(pal, client, 6)).toString()).to.equal('before');
  });

  it('gives every call of a run the same queue', () => {
    const { pal } = fixture;
    expect(pal.remote().queue).to.equal(pal.remote().queue);
  });

  it('delivers messages to the callback of their number, in order and never inside the call', async () => {
    const { pal } = fixture;
    const heard: string[] = [];
    const first = pal.onRemotePost((message) => heard.push(`first ${Buffer.from(message).toString()}`));
    const second = pal.onRemotePost((message) => heard.push(`second ${message.length}`));
    const remote = openRemote(pal.remote(), { platform });
    remote.post(first, Buffer.from('a'));
    remote.post(second);
    remote.post(first, Buffer.from('b'));
    expect(heard).to.deep.equal([]);
    await until(
      () => heard.length === 3,
      () => heard.join(),
    );
    expect(heard).to.deep.equal(['first a', 'second 0', 'first b']);
    pal.offRemotePost(first);
    remote.post(first);
    expect(await codesAfter(1)).to.deep.equal(['ERR_UNKNOWN_REMOTE_POST']);
    pal.offRemotePost(second);
  });

  it('goes on with the rest when a callback throws', async () => {
    const { pal } = fixture;
    const heard: number[] = [];
    const id = pal.onRemotePost((message) => {
      heard.push(message[0] ?? -1);
      if (heard.length === 1) throw new Error('thrown by a test');
    });
    const thrown = await collectUncaught(async () => {
      const remote = openRemote(pal.remote(), { platform });
      for (let number = 0; number < 5; number++) remote.post(id, Uint8Array.of(number));
      await until(
        () => heard.length === 5,
        () => heard.join(),
      );
    });
    expect(thrown.map(({ message }) => message)).to.deep.equal(['thrown by a test']);
    expect(heard).to.deep.equal([0, 1, 2, 3, 4]);
    pal.offRemotePost(id);
  });

  it('reports what cannot be done, and goes on', async () => {
    const { pal } = fixture;
    const { served, server } = await pair(pal);
    await close(pal, served);
    const remote = openRemote(pal.remote(), { platform });
    remote.write(served, Buffer.from('late'));
    remote.write(server.handle as AnyHandle as SocketHandle, Buffer.from('to a server'));
    remote.write(12345 as SocketHandle, Buffer.from('to nobody'));
    remote.close(served);
    const codes = await codesAfter(3);
    expect(codes.sort()).to.deep.equal(['ECANCELED', 'ERR_INVALID_HANDLE_KIND', 'ERR_UNKNOWN_HANDLE']);
    expect(failures.map(({ socket }) => socket)).to.have.members([served, server.handle, 12345]);
    expect(failures[0]!.error).to.be.instanceOf(NetworkError);
  });

  it('reports a write that fails later', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    pal.shutdown(served, 'send');
    openRemote(pal.remote(), { platform }).write(served, Buffer.from('late'));
    expect(await codesAfter(1)).to.deep.equal(['EPIPE']);
    expect(failures[0]!.socket).to.equal(served);
    expect((await read(pal, client)).length).to.equal(0);
  });

  it('wakes the loop once for a burst', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const remote = openRemote(pal.remote(), { platform });
    for (let count = 0; count < 30; count++) remote.write(served, Buffer.from('x'));
    await readExactly(pal, client, 30);
    const { remoteRecords, remoteWakes } = pal.stats();
    expect({ remoteRecords, remoteWakes }).to.deep.equal({ remoteRecords: 30, remoteWakes: 1 });
    remote.write(served, Buffer.from('y'));
    await readExactly(pal, client, 1);
    expect(pal.stats().remoteWakes).to.equal(2);
  });

  it('carries out a burst that is longer than a round of the loop, with one wake-up', async () => {
    const patient = createNetworkPal({ platform });
    patient.initialize();
    const ended = patient.runEventLoop();
    const heard: number[] = [];
    const id = patient.onRemotePost((message) => heard.push(Buffer.from(message).readUInt16LE(0)));
    const remote = openRemote(patient.remote(), { platform });
    const numbers = Array.from({ length: 500 }, (_, number) => number);
    for (const number of numbers) remote.post(id, Uint8Array.of(number & 0xff, number >>> 8));
    await until(
      () => heard.length === numbers.length,
      () => `500 posts, not ${heard.length}`,
    );
    expect(heard).to.deep.equal(numbers);
    expect(patient.stats().remoteWakes).to.equal(1);
    await patient.stopEventLoop();
    await ended;
  });

  it('says when the queue is full, and takes more once the loop has worked', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const remote = openRemote(pal.remote(), { platform });
    const chunk = Buffer.alloc(1000, 'z');
    let accepted = 0;
    const fill = (): void => {
      for (;;) {
        remote.write(served, chunk);
        accepted++;
      }
    };
    expect(fill).to.throw(NetworkError, 'queue is full').with.property('code', 'ERR_REMOTE_QUEUE_FULL');
    expect(accepted).to.equal(4);
    await readExactly(pal, client, 4000);
    remote.write(served, chunk);
    await readExactly(pal, client, 1000);
  });

  it('refuses bad input', () => {
    const { pal } = fixture;
    const remote = openRemote(pal.remote(), { platform });
    const socket = 12345 as SocketHandle;
    expect(() => openRemote({} as never)).to.throw(TypeError, 'pal.remote()');
    expect(() => remote.write(socket, Buffer.alloc(remote.maxBytes + 1))).to.throw(RangeError, 'remoteQueueBytes');
    expect(() => remote.write(socket, Buffer.alloc(0))).to.throw(TypeError, '0 bytes');
    expect(() => remote.write(socket, 'text' as never)).to.throw(TypeError, 'Uint8Array');
    expect(() => remote.close('1' as never)).to.throw(TypeError, 'number');
    expect(() => remote.post(1.5)).to.throw(TypeError, 'number');
    expect(() => pal.onRemotePost(1 as never)).to.throw(TypeError, 'function');
    expect(() => createNetworkPal({ remoteQueueBytes: 100 })).to.throw(RangeError, 'remoteQueueBytes');
  });

  it('carries out at a stop what was submitted before it, and refuses what comes after', async () => {
    const { pal } = fixture;
    const other = createNetworkPal({ platform: network.platform({ keepAlive: true }) });
    other.initialize();
    const ended = other.runEventLoop();
    const { server } = await pair(other, { acceptDepth: 2 });
    let served = 0 as SocketHandle;
    other.asyncAccept(server.handle, (_error, socket) => (served = socket));
    const here = await connect(pal, '127.0.0.1', server.port);
    await until(
      () => served !== 0,
      () => 'the connection',
    );
    const heard: number[] = [];
    const id = pal.onRemotePost((message) => heard.push(message.length));
    const remote = openRemote(pal.remote(), { platform });
    remote.write(here, Buffer.from('in time'));
    remote.post(id, Buffer.alloc(3));
    expect(remote.isOpen).to.equal(true);
    const stopped = pal.stopEventLoop();
    expect(remote.isOpen).to.equal(false);
    expect(() => remote.write(here, Buffer.from('late')))
      .to.throw(NetworkError, 'has stopped')
      .with.property('code', 'ERR_EVENT_LOOP_STOPPED');
    expect(heard, 'nothing is called inside stopEventLoop').to.deep.equal([]);
    await stopped;
    expect(heard).to.deep.equal([3]);
    expect((await readToEnd(other, served)).toString()).to.equal('in time');
    await other.stopEventLoop();
    await ended;
  });

  it('stops when it is told to', async () => {
    const { pal } = fixture;
    const remote = openRemote(pal.remote(), { platform });
    remote.stop();
    await until(
      () => !pal.isRunning(),
      () => 'the end of the loop',
    );
    expect(() => remote.stop())
      .to.throw(NetworkError)
      .with.property('code', 'ERR_EVENT_LOOP_STOPPED');
    // A new run has a new queue.
    void pal.runEventLoop();
    expect(openRemote(pal.remote(), { platform }).isOpen).to.equal(true);
  });

  it('waits at a stop for a producer that is inside', async () => {
    const { pal } = fixture;
    const { queue } = pal.remote();
    const words = new Int32Array(queue);
    Atomics.add(words, INSIDE, 1);
    let stopped = false;
    const stop = pal.stopEventLoop().then(() => (stopped = true));
    await turns(20);
    expect(stopped).to.equal(false);
    Atomics.sub(words, INSIDE, 1);
    await stop;
  });

  it('ends although a thread finds the queue closed at that very moment', async () => {
    const { pal } = fixture;
    const words = new Int32Array(pal.remote().queue);
    const stop = pal.stopEventLoop();
    Atomics.add(words, INSIDE, 1);
    await stop;
  });

  it('resets a connection that another thread was handing over when the loop began to stop, and says so', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal, { deferAssociation: true });
    const other = createNetworkPal({ platform });
    other.initialize();
    const ended = other.runEventLoop();
    const errors: string[] = [];
    other.onRemoteError((error) => errors.push(error.code));
    other.onConnection(() => errors.push('a connection'));
    const { queue } = other.remote();
    const { words, commits, payloadWords, payload } = viewRing(queue);
    const arrival = Buffer.from(JSON.stringify({ family: 4, peer: null }));
    const { socket } = pal.transfer(served);
    // A producer between its claim and its commit, and the load that it has counted.
    Atomics.add(words, INSIDE, 1);
    Atomics.add(words, LOAD, 1);
    Atomics.add(words, TAIL, cellsFor(arrival.length) << 1);
    payloadWords.set([RemoteCommand.AcceptConnection, socket, 0, arrival.length]);
    payload.set(arrival, HEADER_BYTES);
    const stopped = other.stopEventLoop();
    Atomics.store(commits, 0, 1);
    Atomics.sub(words, INSIDE, 1);
    await Promise.all([stopped, ended]);
    expect(errors).to.deep.equal(['ERR_EVENT_LOOP_STOPPED']);
    expect(Atomics.load(words, LOAD)).to.equal(0);
    expect((await rejectionOf(read(pal, client))).code).to.equal('ECONNRESET');
  });

  it('gives up a producer that never comes back, and resets the connection that came behind it', async () => {
    const timeless = simulatePlatform({ seed: 4, keepAlive: true });
    const [pal, main] = [createNetworkPal({ platform: timeless }), createNetworkPal({ platform: timeless })];
    pal.initialize();
    main.initialize();
    const ended = [pal.runEventLoop(), main.runEventLoop()];
    const lost: string[] = [];
    pal.onRemoteError((error) => lost.push(error.code));
    pal.onConnection(() => lost.push('a connection'));
    const { queue } = pal.remote();
    const words = new Int32Array(queue);
    Atomics.add(words, INSIDE, 1);
    Atomics.add(words, TAIL, 1 << 1);
    const server = main.createServer('127.0.0.1', 0, { spread: { loops: [pal.remote()] } });
    let told: string | undefined;
    main.asyncConnect('127.0.0.1', server.port, {}, (_error, socket) => {
      main.asyncRead(socket, new Uint8Array(1), 1, (error) => (told = error?.code));
    });
    await timeless.settle(() => Atomics.load(words, LOAD) === 1);
    const stopped = pal.stopEventLoop();
    await timeless.settle(() => told !== undefined && !pal.isRunning());
    await stopped;
    expect(lost).to.deep.equal(['ERR_EVENT_LOOP_STOPPED', 'ERR_REMOTE_PRODUCER_LOST']);
    expect(told).to.equal('ECONNRESET');
    void main.stopEventLoop();
    await timeless.settle();
    await Promise.all(ended);
    expect([timeless.openHandles, timeless.ledger.size, timeless.memory.regions]).to.deep.equal([0, 0, 0]);
  });

  it('throws for the submitter when the loop cannot be woken; the submission waits for the next one that can', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const { kernel32 } = platform;
    let failing = true;
    const flaky = {
      PostQueuedCompletionStatus: (...args: Parameters<typeof kernel32.PostQueuedCompletionStatus>) =>
        failing ? 0 : kernel32.PostQueuedCompletionStatus(...args),
      GetLastError: () => ERROR_NO_SYSTEM_RESOURCES,
    };
    const remote = openRemote(pal.remote(), { platform: { kernel32: flaky } });
    expect(() => remote.write(served, Buffer.from('a')))
      .to.throw(NetworkError, 'The write is queued')
      .with.property('syscall', 'PostQueuedCompletionStatus');
    failing = false;
    remote.write(served, Buffer.from('b'));
    expect((await readExactly(pal, client, 2)).toString()).to.equal('ab');
  });
});
