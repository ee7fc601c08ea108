/** The forms of send(), and what arrives. */
import { once } from 'node:events';
import { BlockList } from 'node:net';
import type { Socket } from 'node:dgram';
import { expect } from 'chai';
import { onEveryDgram } from './support/dgram-beds.ts';
import { boundSocket, closed, messageTo, sent, textsTo, thrown } from './support/sockets.ts';

/** The options sendBlockList and receiveBlockList are younger than the oldest Node.js that we run on. */
const [major = 0] = process.versions.node.split('.').map(Number);

onEveryDgram('dgram, sending', ({ dgram, ours, simulated }) => {
  type Send = (socket: Socket, port: number) => void;
  const bytes = Buffer.from('a datagram');
  for (const [what, text, send] of [
    ['(msg, port, address)', 'a datagram', (s, port) => s.send(bytes, port, '127.0.0.1')],
    ['(msg, port)', 'a datagram', (s, port) => s.send(bytes, port)],
    ['(text, port, address)', 'text', (s, port) => s.send('text', port, '127.0.0.1')],
    ['(msg, offset, length, port, address)', 'data', (s, port) => s.send(bytes, 2, 4, port, '127.0.0.1')],
    ['(msg, offset, length, port)', 'data', (s, port) => s.send(bytes, 2, 4, port)],
    ['(text, offset, length, port)', 'tex', (s, port) => s.send('text', 0, 3, port)],
    ['(list, port, address)', 'a datagram!', (s, port) => s.send([bytes, '!'], port, '127.0.0.1')],
    ['([], port)', '', (s, port) => s.send([], port)],
    ['(typed array, port)', 'ab', (s, port) => s.send(new Uint16Array([0x6261]), port)],
    ['(DataView, port)', 'tag', (s, port) => s.send(new DataView(Buffer.from('a tag').buffer.slice(0), 0, 0), port)],
    ['(list of views, port)', 'cdab', (s, port) => s.send([new Uint16Array([0x6463]), new Uint8Array([97, 98])], port)],
    ['(msg, port, name)', 'a datagram', (s, port) => s.send(bytes, port, 'localhost')],
    ['(msg, port as text, null)', 'a datagram', (s, port) => s.send(bytes, String(port) as never, null as never)],
  ] as readonly (readonly [string, string, Send])[]) {
    it(`takes ${what}`, async () => {
      const [receiver, sender] = [await boundSocket(dgram), dgram.createSocket('udp4')];
      const received = messageTo(receiver);
      send(sender, receiver.address().port);
      const message = await received;
      expect(message.text).to.equal(what.includes('DataView') ? '' : text);
      const { address, family, port, size } = message.peer;
      expect(Object.keys(message.peer)).to.deep.equal(['address', 'family', 'port', 'size']);
      expect([address, family, port, size]).to.deep.equal([
        '127.0.0.1',
        'IPv4',
        sender.address().port,
        message.text.length,
      ]);
      await closed(receiver, sender);
    });
  }

  it('calls back with the number of bytes, later', async () => {
    const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
    const { port } = receiver.address();
    let returned = false;
    const count = sent((callback) => {
      sender.send('12345', port, '127.0.0.1', (error, bytes) => {
        expect(returned).to.equal(true);
        callback(error, bytes);
      });
      returned = true;
    });
    expect(await count).to.equal(5);
    expect(await sent((callback) => sender.send(bytes, 1, 2, port, '127.0.0.1', callback))).to.equal(2);
    expect(await sent((callback) => sender.send(bytes, 1, 2, port, callback))).to.equal(2);
    expect(await sent((callback) => sender.send(['a', 'b'], port, callback))).to.equal(2);
    expect(await sent((callback) => sender.send('', port, callback))).to.equal(0);
    await closed(receiver, sender);
  });

  it('keeps the order of datagrams that are sent before it is bound, and of a close() behind them', async () => {
    const [receiver, sender] = [await boundSocket(dgram), dgram.createSocket('udp4')];
    const { port } = receiver.address();
    const received = textsTo(receiver, 3);
    for (const text of ['1', '2', '3']) sender.send(text, port, '127.0.0.1');
    const closes = once(sender, 'close');
    setImmediate(() => sender.close());
    expect((await received).sort()).to.deep.equal(['1', '2', '3']);
    await closes;
    await closed(receiver);
  });

  it('calls back before it says that it is closed', async () => {
    const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
    const events: string[] = [];
    sender.on('close', () => events.push('close'));
    sender.send('the last one', receiver.address().port, '127.0.0.1', (_error, bytes) => events.push(`sent ${bytes}`));
    if (!ours) await new Promise((resolve) => process.nextTick(resolve)); // node:dgram forgets what was sent in the same tick
    const end = once(sender, 'close');
    sender.close();
    await end;
    expect(events).to.deep.equal(['sent 12', 'close']);
    await closed(receiver);
  });

  // Real systems take what they are given.
  if (simulated) {
    it('queues what the system has no room for, counts it, and sends it before it is closed', async () => {
      const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
      const events: string[] = [];
      const received = textsTo(receiver, 3);
      sender.setSendBufferSize(1);
      const { port } = receiver.address();
      for (const text of ['one', 'two', 'three']) {
        sender.send(text, port, '127.0.0.1', (error, count) => events.push(`sent ${String(error)} ${count}`));
      }
      expect([sender.getSendQueueSize(), sender.getSendQueueCount()]).to.deep.equal([8, 2]);
      sender.on('close', () => events.push('close'));
      sender.close();
      expect(await received).to.deep.equal(['one', 'two', 'three']);
      while (!events.includes('close')) await new Promise((resolve) => setImmediate(resolve));
      // (Packets may overtake one another, and callbacks come with them.)
      expect(events.slice(0, 3).sort()).to.deep.equal(['sent null 3', 'sent null 3', 'sent null 5']);
      expect(events.slice(3)).to.deep.equal(['close']);
      await closed(receiver);
    });

    it('sends nothing that is still queued to where it may not go', async () => {
      const sender = await boundSocket(dgram);
      const { port } = sender.address();
      sender.setSendBufferSize(1);
      const first = sent((callback) => sender.send('first', port, '127.0.0.1', callback));
      const error = await sent((callback) => sender.send('x', 7, '255.255.255.255', callback)).catch(
        (failure: unknown) => failure,
      );
      expect(error).to.include({ code: 'EACCES', syscall: 'send', address: '255.255.255.255', port: 7 });
      expect(await first).to.equal(5);
      await closed(sender);
    });
  }

  it('says that a datagram is too long', async () => {
    const sender = await boundSocket(dgram);
    const { port } = sender.address();
    const error = await sent((callback) => sender.send(Buffer.alloc(65_508), port, '127.0.0.1', callback)).catch(
      (failure: unknown) => failure as NodeJS.ErrnoException,
    );
    expect(error).to.include({
      code: 'EMSGSIZE',
      syscall: 'send',
      address: '127.0.0.1',
      port,
      message: `send EMSGSIZE 127.0.0.1:${port}`,
    });
    const nowhere = await sent((callback) => sender.send(Buffer.alloc(65_508), port, callback)).catch(
      (failure: unknown) => failure as NodeJS.ErrnoException,
    );
    expect(nowhere).to.include({ code: 'EMSGSIZE', port, message: `send EMSGSIZE undefined:${port}` });
    await new Promise<void>((resolve) => sender.connect(port, '127.0.0.1', resolve));
    const connected = await sent((callback) => sender.send(Buffer.alloc(65_508), callback)).catch(
      (failure: unknown) => failure as NodeJS.ErrnoException,
    );
    expect(connected).to.include({ code: 'EMSGSIZE', message: 'send EMSGSIZE' });
    sender.send(Buffer.alloc(65_508), port, '127.0.0.1'); // without a callback nobody is told
    await closed(sender);
  });

  it('sends the longest one there is', async () => {
    const [receiver, sender] = [await boundSocket(dgram), await boundSocket(dgram)];
    const received = messageTo(receiver);
    sender.send(Buffer.alloc(65_507, 'x'), receiver.address().port, '127.0.0.1');
    const { text, peer } = await received;
    expect(text).to.equal('x'.repeat(65_507));
    expect(peer.size).to.equal(65_507);
    await closed(receiver, sender);
  });

  it('says that an address is of the other family', async () => {
    const sender = await boundSocket(dgram);
    const error = await sent((callback) => sender.send('x', 7, '::1', callback)).catch(
      (failure: unknown) => failure as NodeJS.ErrnoException,
    );
    expect(error).to.include({ code: 'EINVAL', syscall: 'send', address: '::1', port: 7 });
    await closed(sender);
  });

  it('says that a lookup has failed: to the callback, or in an event', async () => {
    const reason = new Error('nobody knows it');
    const lookup = (name: string, _family: number, callback: (error: Error | null, address: string) => void): void =>
      process.nextTick(callback, name === 'nowhere' ? reason : null, '127.0.0.1');
    const sender = await boundSocket(dgram, { lookup });
    const error = await sent((callback) => sender.send('x', 7, 'nowhere', callback)).catch(
      (failure: unknown) => failure,
    );
    expect(error).to.equal(reason);
    sender.send('x', 7, 'nowhere');
    expect(((await once(sender, 'error')) as unknown[])[0]).to.equal(reason);
    await closed(sender);
  });

  for (const [what, args, code] of [
    ['a message of another type', [5, 7], 'ERR_INVALID_ARG_TYPE'],
    ['a list with another type in it', [['a', 5], 7], 'ERR_INVALID_ARG_TYPE'],
    ['a slice of another type', [5, 0, 1, 7], 'ERR_INVALID_ARG_TYPE'],
    ['an offset beyond the end', ['abc', 4, 0, 7], 'ERR_BUFFER_OUT_OF_BOUNDS'],
    ['a length beyond the end', ['abc', 1, 3, 7], 'ERR_BUFFER_OUT_OF_BOUNDS'],
    ['port 0', ['abc', 0], 'ERR_SOCKET_BAD_PORT'],
    ['port 65536', ['abc', 65_536], 'ERR_SOCKET_BAD_PORT'],
    ['no port', ['abc'], 'ERR_SOCKET_BAD_PORT'],
    ['an address of another type', ['abc', 7, 5], 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    it(`refuses ${what} with ${code}`, async () => {
      const socket = dgram.createSocket('udp4');
      expect(thrown(() => socket.send(...(args as unknown as [string, number]))).code).to.equal(code);
      expect(thrown(() => socket.address()).code).to.equal('EBADF'); // and has bound nothing
      await closed(socket);
      expect(thrown(() => socket.send('abc', 7)).code).to.equal('ERR_SOCKET_DGRAM_NOT_RUNNING');
    });
  }

  it('knows the old form of sending', async () => {
    const [receiver, sender] = [await boundSocket(dgram), dgram.createSocket('udp4')];
    const sendto = Reflect.get(sender, 'sendto') as (...args: unknown[]) => void;
    const received = messageTo(receiver);
    Reflect.apply(sendto, sender, [bytes, 2, 4, receiver.address().port, '127.0.0.1']);
    expect((await received).text).to.equal('data');
    for (const wrong of [
      ['2', 4, 7, '127.0.0.1'],
      [2, '4', 7, '127.0.0.1'],
      [2, 4, '7', '127.0.0.1'],
      [2, 4, 7],
    ]) {
      expect(thrown(() => Reflect.apply(sendto, sender, [bytes, ...wrong])).code).to.equal('ERR_INVALID_ARG_TYPE');
    }
    await closed(receiver, sender);
  });

  it('has nothing in its queue when everything has been sent', async () => {
    const [receiver, sender] = [await boundSocket(dgram), dgram.createSocket('udp4')];
    expect([sender.getSendQueueSize(), sender.getSendQueueCount()]).to.deep.equal([0, 0]);
    await sent((callback) => sender.send('x', receiver.address().port, '127.0.0.1', callback));
    expect([sender.getSendQueueSize(), sender.getSendQueueCount()]).to.deep.equal([0, 0]);
    await closed(receiver, sender);
  });

  if (ours || major >= 24) {
    it('sends nothing to an address that is blocked, and passes on nothing from there', async () => {
      const list = new BlockList();
      list.addAddress('127.0.0.1');
      const receiver = await boundSocket(dgram, { receiveBlockList: list });
      const sender = await boundSocket(dgram, { sendBlockList: list });
      const open = await boundSocket(dgram);
      receiver.on('message', () => expect.fail('it is blocked'));
      const { port } = receiver.address();
      const error = await sent((callback) => sender.send('x', port, '127.0.0.1', callback)).catch(
        (failure: unknown) => failure,
      );
      expect(error).to.include({ code: 'ERR_IP_BLOCKED', message: 'IP(127.0.0.1) is blocked by net.BlockList' });
      await sent((callback) => open.send('x', port, '127.0.0.1', callback));
      const own = messageTo(open);
      open.send('behind it', open.address().port, '127.0.0.1');
      await own;
      await closed(receiver, sender, open);
    });
  }
});
