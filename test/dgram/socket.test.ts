/** A socket as an object: how it is made, its events, its contexts, and its end. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { inherits, inspect } from 'node:util';
import type { Socket } from 'node:dgram';
import { expect } from 'chai';
import { collectUncaught } from '../support/uncaught.ts';
import { onEveryDgram } from './support/dgram-beds.ts';
import { boundSocket, closed, messageTo, sent, thrown } from './support/sockets.ts';

onEveryDgram('dgram, a socket', ({ dgram, ours }) => {
  for (const type of ['udp4', 'udp6'] as const) {
    it(`is made with its type, ${type}, or with options, and with a listener for messages`, async () => {
      const listener = (): undefined => undefined;
      for (const socket of [dgram.createSocket(type, listener), dgram.createSocket({ type }, listener)]) {
        expect(Reflect.get(socket, 'type')).to.equal(type);
        expect(socket.listeners('message')).to.deep.equal([listener]);
        expect(socket).to.be.instanceOf(dgram.Socket);
        await closed(socket);
      }
    });
  }

  for (const [what, options, code] of [
    ['no type', undefined, 'ERR_SOCKET_BAD_TYPE'],
    ['another type', 'udp5', 'ERR_SOCKET_BAD_TYPE'],
    ['null', null, 'ERR_SOCKET_BAD_TYPE'],
    ['options without a type', {}, 'ERR_SOCKET_BAD_TYPE'],
    ['a lookup that is no function', { type: 'udp4', lookup: 5 }, 'ERR_INVALID_ARG_TYPE'],
    ['a buffer size that is no number', { type: 'udp4', recvBufferSize: 'much' }, 'ERR_INVALID_ARG_TYPE'],
    ['a buffer size that is no size', { type: 'udp4', sendBufferSize: -1 }, 'ERR_OUT_OF_RANGE'],
    ['a signal that is none', { type: 'udp4', signal: {} }, 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    it(`refuses ${what} with ${code}`, () => {
      expect(thrown(() => dgram.createSocket(options as 'udp4')).code).to.equal(code);
    });
  }

  if (ours) {
    it('refuses lists that are none', () => {
      for (const name of ['sendBlockList', 'receiveBlockList']) {
        const error = thrown(() => dgram.createSocket({ type: 'udp4', [name]: 5 } as never));
        expect(error.code).to.be.oneOf(['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE']);
      }
    });

    it('has no port to itself beside others', async () => {
      const socket = dgram.createSocket({ type: 'udp4', reusePort: true } as never);
      socket.bind(0, '127.0.0.1');
      const [error] = (await once(socket, 'error')) as [Error];
      expect(error).to.include({ code: 'ENOTSUP', syscall: 'bind' });
      await closed(socket);
    });
  }

  it('is closed by its signal', async () => {
    const controller = new AbortController();
    const socket = dgram.createSocket({ type: 'udp4', signal: controller.signal });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    controller.abort();
    await once(socket, 'close');
    const late = dgram.createSocket({ type: 'udp4', signal: controller.signal });
    await once(late, 'close');
    const other = new AbortController();
    const early = dgram.createSocket({ type: 'udp4', signal: other.signal });
    await closed(early);
    other.abort(); // of a socket that is closed already
  });

  it('is closed once, and says so once to each who asked', async () => {
    const socket = await boundSocket(dgram);
    let told = 0;
    expect(socket.close(() => told++)).to.equal(socket);
    expect(thrown(() => socket.close())).to.include({ code: 'ERR_SOCKET_DGRAM_NOT_RUNNING', message: 'Not running' });
    expect(told).to.equal(0);
    await once(socket, 'close');
    expect(told).to.equal(1);
  });

  it('waits with its end for the bind that others wait for', async () => {
    const [receiver, socket] = [await boundSocket(dgram), dgram.createSocket('udp4')];
    const events: string[] = [];
    for (const name of ['listening', 'close']) socket.on(name, () => events.push(name));
    socket.send('x', receiver.address().port, '127.0.0.1');
    socket.close();
    await once(socket, 'close');
    expect(events).to.deep.equal(['listening', 'close']);
    await closed(receiver);
  });

  it('can be disposed of, also twice', async () => {
    const socket = await boundSocket(dgram);
    await socket[Symbol.asyncDispose]();
    await socket[Symbol.asyncDispose]();
    expect(thrown(() => socket.address()).code).to.equal('ERR_SOCKET_DGRAM_NOT_RUNNING');
  });

  it('can be referenced and unreferenced at any time', async () => {
    const socket = dgram.createSocket('udp4');
    expect(socket.unref()).to.equal(socket);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    expect(socket.ref()).to.equal(socket);
    expect(socket.unref()).to.equal(socket);
    await closed(socket);
    expect(socket.ref().unref()).to.equal(socket);
  });

  it('goes on when a listener throws', async function () {
    const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
    const { port } = receiver.address();
    const reason = new Error('thrown by a listener');
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = once(process, 'uncaughtException');
    receiver.once('message', () => {
      throw reason;
    });
    sender.send('1', port, '127.0.0.1');
    expect((await uncaught)[0]).to.equal(reason);
    for (const listener of listeners) process.on('uncaughtException', listener);
    const received = messageTo(receiver);
    sender.send('2', port, '127.0.0.1');
    expect((await received).text).to.equal('2');
    await closed(receiver, sender);
  });

  it('loses no message of a burst to listeners that throw', async () => {
    const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
    const { port } = receiver.address();
    const texts: string[] = [];
    const all = new Promise<void>((resolve) => {
      receiver.on('message', (message) => {
        texts.push(String(message));
        if (texts.length === 8) resolve();
        throw new Error('thrown by a listener');
      });
    });
    const thrownErrors = await collectUncaught(async () => {
      for (let number = 0; number < 8; number++) sender.send(String(number), port, '127.0.0.1');
      await all;
    });
    expect(texts).to.deep.equal(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(thrownErrors.length).to.be.within(7, 8); // the last one may come later
    receiver.removeAllListeners('message');
    await closed(receiver, sender);
  });

  it('has no more messages once a listener has closed it', async () => {
    const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
    const { port } = receiver.address();
    const texts: string[] = [];
    const end = once(receiver, 'close');
    receiver.on('message', (message) => {
      texts.push(String(message));
      if (texts.length === 2) receiver.close();
    });
    for (let number = 0; number < 8; number++) sender.send(String(number), port, '127.0.0.1');
    await end;
    await closed(sender);
    expect(texts).to.deep.equal(['0', '1']);
  });

  it('gives each listener bytes of its own', async () => {
    const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
    const kept: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      receiver.on('message', (message) => {
        kept.push(message);
        if (kept.length === 20) resolve();
      });
    });
    for (let number = 0; number < 20; number++) {
      await sent((callback) => sender.send(`number ${number}`, receiver.address().port, '127.0.0.1', callback));
    }
    await all;
    const texts = kept.map((message) => message.toString()).sort();
    expect(texts).to.deep.equal(Array.from({ length: 20 }, (_, number) => `number ${number}`).sort());
    await closed(receiver, sender);
  });

  it('delivers messages in the context that it was made in, and calls back in that of the call', async () => {
    const storage = new AsyncLocalStorage<string>();
    const receiver = storage.run('made', () => dgram.createSocket('udp4'));
    storage.run('bound', () => receiver.bind(0, '127.0.0.1'));
    await once(receiver, 'listening');
    const sender = await boundSocket(dgram);
    const seen: (string | undefined)[] = [];
    const received = new Promise<void>((resolve) => {
      storage.run('listened', () =>
        receiver.on('message', () => {
          seen.push(storage.getStore());
          if (seen.length === 2) resolve();
        }),
      );
    });
    const { port } = receiver.address();
    for (const text of ['first', 'second']) {
      await storage.run(text, async () => {
        await new Promise<void>((resolve) => {
          sender.send(text, port, '127.0.0.1', () => {
            expect(storage.getStore()).to.equal(text);
            resolve();
          });
        });
      });
    }
    await received;
    expect(seen).to.deep.equal(['made', 'made']);
    await closed(receiver, sender);
  });

  it('is published to the diagnostics channel', async () => {
    const made: unknown[] = [];
    const listener = (message: unknown): void => void made.push((message as { socket: Socket }).socket);
    subscribe('udp.socket', listener);
    const socket = dgram.createSocket('udp4');
    unsubscribe('udp.socket', listener);
    expect(made).to.deep.equal([socket]);
    await closed(socket);
  });

  it('can be inherited from, as a class and as old code does', async () => {
    class MySocket extends dgram.Socket {
      readonly own = 'mine';
    }
    const one = Reflect.construct(MySocket, ['udp4']) as MySocket;
    expect(one.own).to.equal('mine');
    expect(one).to.be.instanceOf(MySocket).and.instanceOf(dgram.Socket);
    expect(dgram.createSocket('udp4').close()).not.to.be.instanceOf(MySocket);
    function OldSocket(this: unknown, type: string): void {
      Reflect.apply(dgram.Socket as never, this, [type]);
    }
    inherits(OldSocket, dgram.Socket);
    const two = Reflect.construct(OldSocket, ['udp4']) as Socket;
    expect(two).to.be.instanceOf(dgram.Socket);
    expect(inspect(two)).to.be.a('string');
    const received = messageTo(two);
    two.bind(0, '127.0.0.1', () => one.send('hello', two.address().port, '127.0.0.1'));
    expect((await received).text).to.equal('hello');
    await closed(one, two);
  });
});
