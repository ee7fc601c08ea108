/** A connection as a stream: its two directions, its ends, its timeouts and its counters. */
import { once } from 'node:events';
import type { OnReadOpts, Socket } from 'node:net';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { bytesOf, ended, eventsOf, failureOf, listening, pairOf, portOf } from './support/sockets.ts';

onEveryNet('net, streams', ({ net, ours }) => {
  it('sends on after the peer has ended its side, where half-open connections are allowed', async () => {
    const pair = await pairOf(net, { server: { allowHalfOpen: true } });
    pair.client.end();
    pair.served.resume();
    await once(pair.served, 'end');
    expect(pair.served.writable).to.equal(true);
    expect(pair.served.readyState).to.equal('writeOnly');
    pair.served.end('still here');
    expect((await bytesOf(pair.client)).toString()).to.equal('still here');
    await ended(pair);
  });

  it("says 'close' behind what setImmediate() was given at destroy()", async () => {
    const pair = await pairOf(net);
    const server = await listening(net);
    const ignored = (): void => undefined;
    // The other ends may be reset.
    pair.client.on('error', ignored);
    server.on('connection', (socket) => socket.on('error', ignored).resume());
    const connecting = net.connect(portOf(server), '127.0.0.1');
    for (const socket of [pair.served, connecting]) {
      const order: string[] = [];
      socket.destroy();
      setImmediate(() => order.push('immediate'));
      await new Promise<void>((resolve) => socket.on('close', () => resolve(void order.push('close'))));
      expect(order).to.deep.equal(['immediate', 'close']);
    }
    server.close();
    await once(server, 'close');
    await ended(pair);
  });

  it('sends nothing behind a hole when destroy() finds a large write that waits for its turn', async () => {
    const LENGTH = 2 * 1024 * 1024 + 10;
    const server = await listening(net);
    const accepted: Socket[] = [];
    server.on('connection', (socket) => accepted.push(socket.on('error', () => undefined)));
    const clients: Socket[] = [];
    while (clients.length < 70) {
      const client = net.connect(portOf(server), '127.0.0.1');
      await once(client, 'connect');
      clients.push(client);
    }
    while (accepted.length < clients.length) await once(server, 'connection');
    const got = clients.map((client) => bytesOf(client).catch(() => Buffer.alloc(0)));
    const large = Buffer.alloc(LENGTH, 'x');
    for (const socket of accepted.slice(0, 64)) socket.write('other');
    for (const socket of accepted.slice(64)) {
      socket.write(large);
      socket.write('bye');
    }
    for (const socket of accepted) socket.destroy();
    for (const bytes of (await Promise.all(got)).slice(64)) {
      if (bytes.length < LENGTH) expect(bytes.includes('bye'), 'behind a hole').to.equal(false);
    }
    server.close();
    await once(server, 'close');
  });

  it('sends what was written before destroy(), however many others were written to before it', async () => {
    const server = await listening(net);
    const accepted: Socket[] = [];
    server.on('connection', (socket) => accepted.push(socket.on('error', () => undefined)));
    const clients: Socket[] = [];
    while (clients.length < 80) {
      const client = net.connect(portOf(server), '127.0.0.1');
      await once(client, 'connect');
      clients.push(client);
    }
    while (accepted.length < clients.length) await once(server, 'connection');
    const got = clients.map((client) => bytesOf(client));
    for (const socket of accepted) {
      socket.write('good');
      socket.write('bye');
      socket.write('!');
      socket.destroy();
    }
    expect((await Promise.all(got)).map(String)).to.deep.equal(Array(80).fill('goodbye!'));
    for (const client of clients) client.destroy();
    server.close();
    await once(server, 'close');
  });

  it('ends its side when the peer has ended, where they are not', async () => {
    const pair = await pairOf(net);
    pair.client.end();
    pair.served.resume();
    await once(pair.served, 'end');
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      pair.served.on('error', () => undefined);
      pair.served.write('too late', (failure) => resolve(failure as NodeJS.ErrnoException));
    });
    expect(error.code).to.be.oneOf(['EPIPE', 'ERR_STREAM_WRITE_AFTER_END']);
    await ended(pair);
  });

  it('says that the peer has reset the connection', async () => {
    const pair = await pairOf(net);
    pair.client.resetAndDestroy();
    const error = await failureOf(pair.served.resume());
    expect(error).to.include({ code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' });
    expect(error.errno).to.be.a('number').below(0);
    expect(pair.client.destroyed).to.equal(true);
    await ended(pair);
  });

  it('says what went wrong before it says that it is closed, whoever of the two fails', async () => {
    const reading = await pairOf(net);
    const ofReading = eventsOf(reading.served, ['error', 'close']);
    reading.client.resetAndDestroy();
    await new Promise((resolve) => reading.served.resume().once('close', resolve));
    expect(ofReading).to.deep.equal(['error', 'close true']);
    await ended(reading);

    const writing = await pairOf(net, { server: { pauseOnConnect: true } });
    const ofWriting = eventsOf(writing.served, ['error', 'close']);
    const closed = new Promise((resolve) => writing.served.once('close', resolve));
    writing.served.write(Buffer.alloc(50_000_000)); // more than two systems buffer: it is under way when the peer resets
    writing.client.resetAndDestroy();
    await closed;
    expect(ofWriting).to.deep.equal(['error', 'close true']);
    await ended(writing);
  });

  it('hears of the end when everything that the bytes before have left to ticks and promises has run', async () => {
    const pair = await pairOf(net, { server: { pauseOnConnect: true } });
    const { client, served } = pair;
    client.end('the last bytes');
    // Both are there when it begins to read.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const log: string[] = [];
    const leaveToTicks = async (): Promise<void> => {
      for (let step = 0; step < 20; step++) await new Promise<void>((next) => process.nextTick(next));
      log.push('bytes');
    };
    served.once('data', () => void leaveToTicks());
    await once(served.resume(), 'end');
    log.push('end');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(log).to.deep.equal(['bytes', 'end']);
    await ended(pair);
  });

  it('cannot be reset when there is no connection', async () => {
    const socket = new net.Socket();
    socket.resetAndDestroy();
    expect(await failureOf(socket)).to.include({ code: 'ERR_SOCKET_CLOSED', message: 'Socket is closed' });
  });

  it('resets a connection that is being made once it is made', async () => {
    const server = await listening(net);
    server.on('connection', (socket) => socket.on('error', () => undefined).resume());
    const client = net.connect(portOf(server), '127.0.0.1');
    client.resetAndDestroy();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  });

  it('waits with more bytes until those that came are read', async () => {
    const pair = await pairOf(net, { client: { readableHighWaterMark: 1000 } as object });
    const sent = Buffer.alloc(3_000_000, 'slowly');
    pair.served.end(sent);
    await once(pair.client, 'readable');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pair.client.bytesRead).to.be.below(1_000_000);
    expect((await bytesOf(pair.client)).equals(sent)).to.equal(true);
    await ended(pair);
  });

  it('loses nothing when it is paused and goes on', async () => {
    const pair = await pairOf(net);
    const sent = Buffer.alloc(300_000, 'stop and go, ');
    pair.served.end(sent);
    const chunks: Buffer[] = [];
    pair.client.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      pair.client.pause();
      setImmediate(() => pair.client.resume());
    });
    await once(pair.client, 'end');
    expect(Buffer.concat(chunks).equals(sent)).to.equal(true);
    await ended(pair);
  });

  it('says when its buffer has drained', async () => {
    const pair = await pairOf(net);
    pair.served.resume();
    while (pair.client.write(Buffer.alloc(1_000_000)));
    expect(pair.client.writableNeedDrain).to.equal(true);
    await once(pair.client, 'drain');
    expect(pair.client.write('more')).to.equal(true);
    await ended(pair);
  });

  it('writes strings in every encoding, and empty chunks', async () => {
    const pair = await pairOf(net);
    let done = 0;
    const count = (): number => done++;
    pair.client.write('latin1 \xff', 'latin1', count);
    pair.client.write('', count);
    pair.client.write('68657821', 'hex', count);
    pair.client.write(new Uint8Array(0), count);
    pair.client.write('ä', 'utf16le', count);
    pair.client.end(count);
    const expected = Buffer.concat([
      Buffer.from('latin1 \xff', 'latin1'),
      Buffer.from('hex!'),
      Buffer.from('ä', 'utf16le'),
    ]);
    expect((await bytesOf(pair.served)).equals(expected)).to.equal(true);
    expect(pair.client.bytesWritten).to.equal(expected.length);
    await ended(pair);
    expect(done).to.equal(6);
  });

  it('gives text where an encoding is set', async () => {
    const pair = await pairOf(net);
    pair.client.setEncoding('utf8');
    pair.served.end('grüße');
    let text = '';
    for await (const piece of pair.client) {
      expect(piece).to.be.a('string');
      text += piece as string;
    }
    expect(text).to.equal('grüße');
    await ended(pair);
  });

  it('reads into a buffer of the user’s own', async () => {
    const server = await listening(net);
    server.on('connection', (socket) => socket.end('a text that is longer than the buffer'));
    let text = '';
    const buffer = Buffer.alloc(10);
    const onread: OnReadOpts = {
      buffer,
      callback(bytes, given) {
        expect(given).to.equal(buffer);
        text += Buffer.from(given).toString('latin1', 0, bytes);
        return true;
      },
    };
    const client = net.connect({ port: portOf(server), host: '127.0.0.1', onread });
    const events = eventsOf(client, ['data']);
    await once(client, 'end');
    expect(text).to.equal('a text that is longer than the buffer');
    expect(events).to.deep.equal([]);
    server.close();
    await once(server, 'close');
  });

  it('reads into buffers that a function gives, and stops when it is told to', async () => {
    const server = await listening(net);
    server.on('connection', (socket) => socket.end('0123456789'));
    const pieces: string[] = [];
    let buffers = 0;
    const onread: OnReadOpts = {
      buffer: () => {
        buffers++;
        return Buffer.alloc(4);
      },
      callback(bytes, given) {
        pieces.push(Buffer.from(given).toString('latin1', 0, bytes));
        setImmediate(() => client.resume());
        return false;
      },
    };
    const client = net.connect({ port: portOf(server), host: '127.0.0.1', onread });
    await once(client, 'end');
    expect(pieces).to.deep.equal(['0123', '4567', '89']);
    expect(buffers).to.be.at.least(3);
    server.close();
    await once(server, 'close');
  });

  it('fails without memory to read into, and the others read on', async () => {
    const server = await listening(net);
    server.on('connection', (socket) => socket.on('error', () => undefined).write('bytes'));
    const onread: OnReadOpts = { buffer: new Uint8Array(0), callback: () => true };
    const client = net.connect({ port: portOf(server), host: '127.0.0.1', onread });
    const failure = failureOf(client);
    const other = net.connect(portOf(server), '127.0.0.1');
    expect(await failure).to.include({ code: 'ENOBUFS', syscall: 'read', message: 'read ENOBUFS' });
    expect(String((await once(other, 'data'))[0])).to.equal('bytes');
    other.destroy();
    server.close();
    await once(server, 'close');
  });

  it('fails when its memory was transferred', async function () {
    if (!ours) return this.skip(); // node:net goes on writing into memory that nobody can see
    const server = await listening(net);
    server.on('connection', (socket) => socket.on('error', () => undefined).write('bytes'));
    const buffer = new Uint8Array(8);
    const onread: OnReadOpts = {
      buffer,
      callback: () => {
        structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
        return true;
      },
    };
    const client = net.connect({ port: portOf(server), host: '127.0.0.1', onread });
    expect(await failureOf(client)).to.include({ code: 'ENOBUFS', syscall: 'read' });
    await new Promise<void>((resolve) => (client.closed ? resolve() : client.once('close', () => resolve())));
    server.close();
    await once(server, 'close');
  });

  it('says that it was silent for so long, once for each time', async () => {
    const pair = await pairOf(net);
    const started = Date.now();
    pair.client.setTimeout(50);
    expect(pair.client.timeout).to.equal(50);
    await once(pair.client, 'timeout');
    expect(Date.now() - started).to.be.at.least(45);
    let called = 0;
    const callback = (): number => called++;
    pair.client.setTimeout(60_000, callback);
    pair.client.setTimeout(0, callback);
    expect(pair.client.listenerCount('timeout')).to.equal(0);
    await ended(pair);
    expect(called).to.equal(0);
  });

  it('begins its timeout anew when something happens', async () => {
    const pair = await pairOf(net);
    const events = eventsOf(pair.client, ['timeout']);
    pair.client.setTimeout(400).resume();
    for (let round = 0; round < 10; round++) {
      pair.served.write('still here');
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(events).to.deep.equal([]);
    await ended(pair);
  });

  it('refuses a timeout that is none', () => {
    const socket = new net.Socket();
    for (const [ms, code] of [
      ['100', 'ERR_INVALID_ARG_TYPE'],
      [-1, 'ERR_OUT_OF_RANGE'],
      [Infinity, 'ERR_OUT_OF_RANGE'],
      [NaN, 'ERR_OUT_OF_RANGE'],
    ] as const) {
      expect(() => socket.setTimeout(ms as number))
        .to.throw()
        .with.property('code', code);
    }
    expect(() => socket.setTimeout(1, 'callback' as never))
      .to.throw()
      .with.property('code', 'ERR_INVALID_ARG_TYPE');
    socket.destroy();
  });

  it('takes options before and after it is connected', async () => {
    const server = await listening(net);
    server.on('connection', (socket) => socket.resume());
    const client = new net.Socket();
    expect(client.setNoDelay()).to.equal(client);
    expect(client.setKeepAlive(true, 2000)).to.equal(client);
    client.connect(portOf(server), '127.0.0.1');
    await once(client, 'connect');
    expect(client.setNoDelay(false).setNoDelay(true)).to.equal(client);
    expect(client.setKeepAlive(false).setKeepAlive(true, 500)).to.equal(client);
    expect(client.ref().unref().ref()).to.equal(client);
    client.end();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  });

  it('is destroyed soon: when everything is written', async () => {
    const pair = await pairOf(net);
    const sent = Buffer.alloc(1_000_000, 'everything');
    pair.client.write(sent);
    pair.client.destroySoon();
    expect((await bytesOf(pair.served)).equals(sent)).to.equal(true);
    await ended(pair);
    expect(pair.client.destroyed).to.equal(true);
  });

  it('keeps its error, and says with ‘close’ that there was one', async () => {
    const pair = await pairOf(net);
    const failed = new Error('enough');
    const events = eventsOf(pair.client, ['error', 'close']);
    pair.client.destroy(failed);
    await new Promise((resolve) => pair.client.once('close', resolve));
    expect(events).to.deep.equal(['error', 'close true']);
    expect(pair.client.errored).to.equal(failed);
    expect(pair.client.closed).to.equal(true);
    await ended(pair);
  });

  it('says nothing of its ends any more when it is closed, but how much went through it', async () => {
    const pair = await pairOf(net);
    pair.client.write('12345');
    await once(pair.served.resume(), 'data');
    await ended(pair);
    expect(pair.client.localAddress).to.equal(undefined);
    expect(pair.client.localPort).to.equal(undefined);
    expect(pair.client.bytesWritten).to.equal(5);
    expect(pair.served.bytesRead).to.equal(5);
    expect(pair.client.readyState).to.equal('closed');
    expect(pair.client.pending).to.equal(true);
  });

  it('refuses what is no data', async () => {
    const pair = await pairOf(net);
    for (const chunk of [1, true, {}, [], undefined]) {
      expect(() => pair.client.write(chunk as never), typeof chunk)
        .to.throw()
        .with.property('code', 'ERR_INVALID_ARG_TYPE');
    }
    await ended(pair);
  });

  it('tells a write that the connection was destroyed', async () => {
    const pair = await pairOf(net);
    pair.client.destroy();
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      pair.client.write('too late', (failure) => resolve(failure as NodeJS.ErrnoException));
    });
    expect(error.code).to.equal('ERR_STREAM_DESTROYED');
    await ended(pair);
  });

  it('is an instance of its class, and can be inherited from', async () => {
    class MySocket extends net.Socket {
      readonly mine = true;
    }
    const server = await listening(net);
    server.on('connection', (socket) => {
      expect(socket).to.be.instanceOf(net.Socket);
      socket.end('hello');
    });
    const client = new MySocket();
    expect(client).to.be.instanceOf(MySocket).and.instanceOf(net.Socket);
    client.connect(portOf(server), '127.0.0.1');
    expect((await bytesOf(client)).toString()).to.equal('hello');
    expect(client.mine).to.equal(true);
    server.close();
    await once(server, 'close');
  });

  it('can be inherited from as old code does', async () => {
    function OldSocket(this: Socket): void {
      Reflect.apply(net.Socket as unknown as (this: Socket) => void, this, []);
    }
    Object.setPrototypeOf(OldSocket.prototype, net.Socket.prototype);
    const server = await listening(net);
    server.on('connection', (socket) => socket.end('hello'));
    const client = Reflect.construct(OldSocket, []) as Socket;
    client.connect(portOf(server), '127.0.0.1');
    expect((await bytesOf(client)).toString()).to.equal('hello');
    server.close();
    await once(server, 'close');
  });
});
