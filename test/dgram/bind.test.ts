/** How a socket is bound, and what happens when it cannot be. */
import { once } from 'node:events';
import process from 'node:process';
import nodeDgram, { type Socket } from 'node:dgram';
import { expect } from 'chai';
import { windowsDgram } from '../../src/dgram/windows-dgram.ts';
import { useThreadPal } from '../../src/node-shape/thread-pal.ts';
import { onEveryDgram } from './support/dgram-beds.ts';
import { boundSocket, closed, messageTo, thrown } from './support/sockets.ts';
import { simulatedWindows } from '../support/beds.ts';
import type { NetworkPal } from '../../src/index.ts';

interface NativeHandle {
  /** Returns 0, or libuv's number of an error. */
  bind(address: string, port: number, flags: number): number;
}

/** What is inside of a socket of Node's, for udp4. node:dgram has no function of its own for it since Node 26. */
function nativeHandle(): NativeHandle {
  const binding = Reflect.get(process, 'binding') as (name: string) => { UDP: new (type: number) => NativeHandle };
  return new (binding('udp_wrap').UDP)(0);
}

onEveryDgram('dgram, where a socket is bound', ({ dgram }) => {
  for (const [what, args] of [
    ['nothing', []],
    ['a port', [0]],
    ['a port and an address', [0, '127.0.0.1']],
    ['options', [{ port: 0, address: '127.0.0.1', exclusive: true }]],
    ['a port as text', ['0']],
  ] as const) {
    it(`takes ${what}, with a callback and without`, async () => {
      for (const withCallback of [true, false]) {
        const socket = dgram.createSocket('udp4');
        const order: string[] = [];
        const callback = (): void => void order.push('callback');
        socket.on('listening', () => order.push('listening'));
        const result = socket.bind(...([...args, ...(withCallback ? [callback] : [])] as []));
        expect(result).to.equal(socket);
        expect(order).to.deep.equal([]); // never inside the call
        await once(socket, 'listening');
        expect(order).to.deep.equal(withCallback ? ['listening', 'callback'] : ['listening']);
        const { address, family, port } = socket.address();
        const isOne = JSON.stringify(args).includes('127.0.0.1');
        expect([address, family]).to.deep.equal([isOne ? '127.0.0.1' : '0.0.0.0', 'IPv4']);
        expect(port).to.be.within(1, 65535);
        await closed(socket);
      }
    });
  }

  it('looks a name up', async () => {
    const socket = dgram.createSocket('udp4');
    socket.bind(0, 'localhost');
    await once(socket, 'listening');
    expect(socket.address().address).to.equal('127.0.0.1');
    await closed(socket);
  });

  it('asks the function that is given, also for addresses', async () => {
    const asked: unknown[] = [];
    const lookup = (name: string, family: number, callback: (error: null, address: string) => void): void => {
      asked.push([name, family]);
      callback(null, '127.0.0.1');
    };
    const socket = dgram.createSocket({ type: 'udp4', lookup: lookup as never });
    socket.bind(0, '1.2.3.4');
    if (asked.length === 0 || socket.listenerCount('listening') >= 0) await Promise.resolve();
    expect(asked).to.deep.equal([['1.2.3.4', 4]]);
    expect(socket.address().address).to.equal('127.0.0.1');
    await closed(socket);
  });

  it('says that a lookup has failed, and can be bound afterwards', async () => {
    const reason = new Error('nobody knows it');
    let fails = true;
    const lookup = (_name: string, _family: number, callback: (error: Error | null, address?: string) => void): void =>
      process.nextTick(callback, fails ? reason : null, '127.0.0.1');
    const socket = dgram.createSocket({ type: 'udp4', lookup: lookup as never });
    let listened = 0;
    socket.bind(0, 'somewhere', () => listened++);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error).to.equal(reason);
    fails = false;
    socket.bind(0, 'somewhere');
    await once(socket, 'listening');
    expect(listened).to.equal(0); // the callback of the bind that has failed
    await closed(socket);
  });

  it('says that a port is in use', async () => {
    const first = await boundSocket(dgram);
    const second = dgram.createSocket('udp4');
    const { port } = first.address();
    second.bind(port, '127.0.0.1');
    const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
    expect(error).to.include({
      code: 'EADDRINUSE',
      syscall: 'bind',
      address: '127.0.0.1',
      port,
      message: `bind EADDRINUSE 127.0.0.1:${port}`,
    });
    expect(error.errno).to.be.a('number').below(0);
    await closed(first);
    second.bind(port, '127.0.0.1');
    await once(second, 'listening');
    await closed(second);
  });

  it('says that an address is of the other family', async () => {
    const socket = dgram.createSocket('udp4');
    socket.bind(0, '::1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error).to.include({ code: 'EINVAL', syscall: 'bind', message: 'bind EINVAL ::1' });
    await closed(socket);
  });

  it('shares a port where reuseAddr says so', async () => {
    const first = await boundSocket(dgram, { reuseAddr: true });
    const second = dgram.createSocket({ type: 'udp4', reuseAddr: true });
    second.bind(first.address().port, '127.0.0.1');
    await once(second, 'listening');
    expect(second.address()).to.deep.equal(first.address());
    await closed(first, second);
  });

  it('is bound once', async () => {
    const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    expect(thrown(() => socket.bind(0))).to.include({
      code: 'ERR_SOCKET_ALREADY_BOUND',
      message: 'Socket is already bound',
    });
    await once(socket, 'listening');
    expect(thrown(() => socket.bind(0)).code).to.equal('ERR_SOCKET_ALREADY_BOUND');
    await closed(socket);
  });

  it('is never bound when it is closed before', async () => {
    const socket = dgram.createSocket('udp4');
    socket.on('listening', () => expect.fail('it was closed'));
    socket.bind(0, '127.0.0.1');
    await closed(socket);
    await new Promise((resolve) => setImmediate(resolve));
    expect(thrown(() => socket.bind(0))).to.include({ code: 'ERR_SOCKET_DGRAM_NOT_RUNNING', message: 'Not running' });
    expect(thrown(() => socket.address()).code).to.equal('ERR_SOCKET_DGRAM_NOT_RUNNING');
  });

  it('has no address before', async () => {
    const socket = dgram.createSocket('udp4');
    expect(thrown(() => socket.address())).to.include({ code: 'EBADF', syscall: 'getsockname' });
    await closed(socket);
  });

  it('serves both families on ::, and one with ipv6Only', async () => {
    const both = await boundSocket(dgram, { type: 'udp6' }, '::');
    const from = dgram.createSocket('udp4');
    const received = messageTo(both);
    from.send('four', both.address().port, '127.0.0.1');
    expect((await received).peer).to.include({ address: '::ffff:127.0.0.1', family: 'IPv6', size: 4 });
    const six = await boundSocket(dgram, { type: 'udp6', ipv6Only: true }, '::');
    expect(six.address()).to.include({ address: '::', family: 'IPv6' });
    await closed(both, six, from);
  });

  it("takes the native handle of one of Node's own sockets, whose work that one does", async () => {
    const handle = nativeHandle();
    expect(handle.bind('127.0.0.1', 0, 0)).to.equal(0);
    const socket = dgram.createSocket('udp4');
    socket.bind(handle as never);
    const { port } = socket.address();
    const peer = nodeDgram.createSocket('udp4');
    const received = messageTo(socket);
    peer.send('through it', port, '127.0.0.1');
    const { text, peer: from } = await received;
    expect(text).to.equal('through it');
    const answered = messageTo(peer);
    socket.send('back', from.port, from.address);
    expect((await answered).text).to.equal('back');
    expect(socket.unref().ref()).to.equal(socket);
    await closed(socket, peer);
    expect(thrown(() => socket.address()).code).to.equal('ERR_SOCKET_DGRAM_NOT_RUNNING');
  });

  it('refuses a descriptor that is no socket', async () => {
    const socket = dgram.createSocket('udp4');
    expect(thrown(() => socket.bind({ fd: 0x7ffffff0 })).code).to.be.oneOf(['ERR_INVALID_FD_TYPE', 'EBADF']);
    await closed(socket);
  });
});

describe('dgram, a socket whose PAL is stopped', () => {
  it('says that it has ended', async () => {
    const pal = simulatedWindows.create();
    pal.initialize();
    const running = pal.runEventLoop();
    useThreadPal(pal);
    const socket = windowsDgram.createSocket('udp4').bind(0);
    await once(socket, 'listening');
    const failed = once(socket, 'error') as Promise<[Error]>;
    await pal.stopEventLoop();
    await running;
    expect((await failed)[0]).to.include({ code: 'ECANCELED', syscall: 'recvmsg' });
    await closed(socket);
    useThreadPal(null);
  });
});

describe('dgram, a socket whose PAL cannot make one', () => {
  it('emits what is no error of the system as it is: its message says what to do', async () => {
    const reason = new TypeError('There is no koffi here');
    const createUdpSocket = (): never => {
      throw reason;
    };
    useThreadPal({ createUdpSocket } as unknown as NetworkPal);
    const socket: Socket = windowsDgram.createSocket('udp4').bind(0);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error).to.equal(reason);
    useThreadPal(null);
  });
});
