/** Sockets with one peer. */
import { once } from 'node:events';
import { BlockList } from 'node:net';
import { expect } from 'chai';
import { onEveryDgram } from './support/dgram-beds.ts';
import { boundSocket, closed, messageTo, sent, thrown } from './support/sockets.ts';

onEveryDgram('dgram, connected sockets', ({ dgram, ours }) => {
  it('binds, connects, and says when it is', async () => {
    const peer = await boundSocket(dgram);
    const socket = dgram.createSocket('udp4');
    const events: string[] = [];
    for (const name of ['listening', 'connect']) socket.on(name, () => events.push(name));
    socket.connect(peer.address().port, '127.0.0.1', () => events.push('callback'));
    await once(socket, 'connect');
    expect(events).to.deep.equal(['listening', 'connect', 'callback']);
    expect(socket.remoteAddress()).to.deep.equal(peer.address());
    await closed(peer, socket);
  });

  it('connects to this machine where no address is named', async () => {
    const peer = await boundSocket(dgram);
    const socket = dgram.createSocket('udp4');
    socket.connect(peer.address().port);
    await once(socket, 'connect');
    expect(socket.remoteAddress()).to.deep.equal(peer.address());
    await closed(peer, socket);
  });

  it('sends to its peer, in every form', async () => {
    const peer = await boundSocket(dgram);
    const socket = await boundSocket(dgram);
    socket.connect(peer.address().port, '127.0.0.1');
    await once(socket, 'connect');
    const message = Buffer.from('a datagram');
    for (const [text, send] of [
      ['a datagram', () => socket.send(message)],
      ['data', () => socket.send(message, 2, 4)],
      ['a datagram!', () => socket.send([message, '!'])],
      ['', () => socket.send([])],
    ] as const) {
      const received = messageTo(peer);
      send();
      expect((await received).text).to.equal(text);
    }
    expect(await sent((callback) => socket.send(message, callback))).to.equal(10);
    expect(await sent((callback) => socket.send(message, 2, 4, callback))).to.equal(4);
    await closed(peer, socket);
  });

  it('refuses another peer, and a second connect', async () => {
    const peer = await boundSocket(dgram);
    const { port } = peer.address();
    const socket = await boundSocket(dgram);
    socket.connect(port, '127.0.0.1');
    const refused = { code: 'ERR_SOCKET_DGRAM_IS_CONNECTED', message: 'Already connected' };
    expect(thrown(() => socket.connect(port))).to.include(refused);
    await once(socket, 'connect');
    expect(thrown(() => socket.connect(port))).to.include(refused);
    expect(thrown(() => socket.send('x', 0, 1, port, '127.0.0.1'))).to.include(refused);
    expect(thrown(() => socket.send(5 as never)).code).to.equal('ERR_INVALID_ARG_TYPE');
    await closed(peer, socket);
  });

  it('can be disconnected, and then sends to everybody', async () => {
    const peer = await boundSocket(dgram);
    const socket = dgram.createSocket('udp4');
    const refused = { code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED', message: 'Not connected' };
    expect(thrown(() => socket.disconnect())).to.include(refused);
    expect(thrown(() => socket.remoteAddress())).to.include(refused);
    socket.connect(peer.address().port, '127.0.0.1');
    await once(socket, 'connect');
    socket.disconnect();
    expect(thrown(() => socket.disconnect())).to.include(refused);
    expect(thrown(() => socket.remoteAddress())).to.include(refused);
    const received = messageTo(peer);
    socket.send('to you', peer.address().port, '127.0.0.1');
    expect((await received).text).to.equal('to you');
    socket.connect(peer.address().port, '127.0.0.1');
    await once(socket, 'connect');
    await closed(peer, socket);
  });

  it('says why it cannot connect, and can be connected afterwards', async () => {
    const peer = await boundSocket(dgram);
    const socket = await boundSocket(dgram);
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      socket.connect(7, '::1', ((failure: Error) => resolve(failure)) as never);
    });
    expect(error).to.include({ code: 'EINVAL', syscall: 'connect', address: '::1', port: 7 });
    socket.connect(7, '::1');
    expect(((await once(socket, 'error')) as unknown[])[0]).to.include({ code: 'EINVAL' });
    expect(socket.listenerCount('connect')).to.equal(0);
    socket.connect(peer.address().port, '127.0.0.1');
    await once(socket, 'connect');
    await closed(peer, socket);
  });

  it('refuses what makes no sense', async () => {
    const socket = dgram.createSocket('udp4');
    for (const port of [0, -1, 65_536, 1.5, 'http', undefined]) {
      expect(thrown(() => socket.connect(port as number)).code).to.equal('ERR_SOCKET_BAD_PORT');
    }
    expect(thrown(() => socket.connect(7, 5 as never)).code).to.equal('ERR_INVALID_ARG_TYPE');
    await closed(socket);
  });

  if (ours || Number(process.versions.node.split('.')[0]) >= 24) {
    it('does not connect to an address that is blocked', async () => {
      const sendBlockList = new BlockList();
      sendBlockList.addAddress('127.0.0.1');
      const socket = await boundSocket(dgram, { sendBlockList });
      socket.connect(7, '127.0.0.1');
      expect(((await once(socket, 'error')) as unknown[])[0]).to.include({ code: 'ERR_IP_BLOCKED' });
      await closed(socket);
    });
  }
});
