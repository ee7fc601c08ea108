/** Options of sockets, and groups. */
import { once } from 'node:events';
import { expect } from 'chai';
import { onEveryDgram } from './support/dgram-beds.ts';
import { boundSocket, closed, messageTo, thrown } from './support/sockets.ts';

const GROUP = '239.255.77.8';

onEveryDgram('dgram, options', ({ dgram, ours, simulated }) => {
  it('takes every option once it is bound', async () => {
    const socket = await boundSocket(dgram);
    socket.setBroadcast(true);
    expect(socket.setTTL(7)).to.equal(7);
    for (const ttl of [0, 1, 255]) expect(socket.setMulticastTTL(ttl)).to.equal(ttl);
    // The system's default, which libuv knows on Windows.
    if (ours || process.platform === 'win32') expect(socket.setMulticastTTL(-1)).to.equal(-1);
    for (const on of [true, false]) expect(socket.setMulticastLoopback(on)).to.equal(on);
    socket.setMulticastInterface('127.0.0.1');
    await closed(socket);
  });

  // node:dgram on the host asks the host's libuv, which binds for some of them.
  if (ours || process.platform === 'win32') {
    it('has nothing to set an option of before', async () => {
      const socket = dgram.createSocket('udp4');
      for (const [syscall, set] of [
        ['setBroadcast', () => socket.setBroadcast(true)],
        ['setTTL', () => socket.setTTL(7)],
        ['setMulticastTTL', () => socket.setMulticastTTL(7)],
        ['setMulticastLoopback', () => socket.setMulticastLoopback(true)],
        ['setMulticastInterface', () => socket.setMulticastInterface('127.0.0.1')],
      ] as const) {
        expect(thrown(set)).to.include({ code: 'EBADF', syscall, message: `${syscall} EBADF` });
      }
      await closed(socket);
    });
  }

  it('refuses values that make no sense', async () => {
    const socket = await boundSocket(dgram);
    for (const [code, set] of [
      ['EINVAL', () => socket.setTTL(0)],
      ['EINVAL', () => socket.setTTL(256)],
      ['ERR_INVALID_ARG_TYPE', () => socket.setTTL('7' as never)],
      ['EINVAL', () => socket.setMulticastTTL(256)],
      ['EINVAL', () => socket.setMulticastTTL(-2)],
      ['ERR_INVALID_ARG_TYPE', () => socket.setMulticastTTL('7' as never)],
      ['EINVAL', () => socket.setMulticastInterface('not an address')],
      ['ERR_INVALID_ARG_TYPE', () => socket.setMulticastInterface(7 as never)],
      ['ERR_SOCKET_BAD_BUFFER_SIZE', () => socket.setRecvBufferSize(-1)],
      ['ERR_SOCKET_BAD_BUFFER_SIZE', () => socket.setSendBufferSize('7' as never)],
      ['ERR_MISSING_ARGS', () => socket.addMembership(undefined as never)],
      ['ERR_MISSING_ARGS', () => socket.dropMembership('')],
      ['EINVAL', () => socket.addMembership('no group')],
      ['EINVAL', () => socket.addMembership('127.0.0.1')],
      ['ERR_INVALID_ARG_TYPE', () => socket.addSourceSpecificMembership(7 as never, GROUP)],
      ['ERR_INVALID_ARG_TYPE', () => socket.dropSourceSpecificMembership('127.0.0.1', 7 as never)],
    ] as const) {
      expect(thrown(set).code, String(set)).to.equal(code);
    }
    await closed(socket);
  });

  it('gives what the system made of the sizes of its buffers', async () => {
    const socket = await boundSocket(dgram, { recvBufferSize: 20_000, sendBufferSize: 30_000 });
    expect(socket.getRecvBufferSize()).to.be.oneOf([20_000, 40_000]); // Linux doubles it
    expect(socket.getSendBufferSize()).to.be.oneOf([30_000, 60_000]);
    socket.setRecvBufferSize(40_000);
    socket.setSendBufferSize(50_000);
    expect(socket.getRecvBufferSize()).to.be.oneOf([40_000, 80_000]);
    expect(socket.getSendBufferSize()).to.be.oneOf([50_000, 100_000]);
    expect(thrown(() => socket.setRecvBufferSize(2 ** 31))).to.include({
      code: 'ERR_SOCKET_BUFFER_SIZE',
      name: 'SystemError',
      message: 'Could not get or set buffer size: uv_recv_buffer_size returned EINVAL (invalid argument)',
      syscall: 'uv_recv_buffer_size',
    });
    await closed(socket);
  });

  it('has no buffers before it is bound', async () => {
    const socket = dgram.createSocket('udp4');
    for (const ask of [
      () => socket.getRecvBufferSize(),
      () => socket.getSendBufferSize(),
      () => socket.setRecvBufferSize(1000),
      () => socket.setSendBufferSize(1000),
    ]) {
      expect(thrown(ask).code).to.equal('ERR_SOCKET_BUFFER_SIZE');
    }
    await closed(socket);
  });

  it('receives what is sent to a group that it has joined', async () => {
    const member = await boundSocket(dgram, { reuseAddr: true }, '0.0.0.0');
    const sender = await boundSocket(dgram);
    member.addMembership(GROUP, '127.0.0.1');
    sender.setMulticastInterface('127.0.0.1');
    const received = messageTo(member);
    sender.send('to the group', member.address().port, GROUP);
    expect((await received).text).to.equal('to the group');
    expect(thrown(() => member.addMembership(GROUP, '127.0.0.1'))).to.include({ syscall: 'addMembership' });
    member.dropMembership(GROUP, '127.0.0.1');
    expect(thrown(() => member.dropMembership(GROUP, '127.0.0.1'))).to.include({ syscall: 'dropMembership' });
    await closed(member, sender);
  });

  it('receives from one source of a group', async () => {
    const member = await boundSocket(dgram, {}, '0.0.0.0');
    const sender = await boundSocket(dgram);
    member.addSourceSpecificMembership('127.0.0.1', GROUP, '127.0.0.1');
    sender.setMulticastInterface('127.0.0.1');
    const received = messageTo(member);
    sender.send('from the source', member.address().port, GROUP);
    expect((await received).text).to.equal('from the source');
    member.dropSourceSpecificMembership('127.0.0.1', GROUP, '127.0.0.1');
    expect(thrown(() => member.dropSourceSpecificMembership('127.0.0.1', GROUP, '127.0.0.1'))).to.include({
      syscall: 'dropSourceSpecificMembership',
    });
    await closed(member, sender);
  });

  // On Linux libuv binds again, which the system refuses.
  if (ours || process.platform === 'win32') {
    it('is bound by the group that it joins before, to a port of the system’s choice', async () => {
      const member = dgram.createSocket('udp4');
      member.addMembership(GROUP, '127.0.0.1');
      const { port } = member.address();
      expect(port).to.be.above(0);
      member.bind();
      await once(member, 'listening');
      expect(member.address().port).to.equal(port);
      const sender = await boundSocket(dgram);
      sender.setMulticastInterface('127.0.0.1');
      const received = messageTo(member);
      sender.send('to the group', port, GROUP);
      expect((await received).text).to.equal('to the group');
      await closed(member, sender);
    });

    it('is closed with the group that it has joined and nothing else', async () => {
      const member = dgram.createSocket('udp4').unref();
      member.addMembership(GROUP, '127.0.0.1');
      await closed(member);
    });
  }

  it('broadcasts once it may', async () => {
    const sender = await boundSocket(dgram, {}, '0.0.0.0');
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      sender.send('to all', 7, '255.255.255.255', (failure) => resolve(failure));
    });
    expect(error?.code).to.equal('EACCES');
    if (simulated) {
      sender.setBroadcast(true);
      await new Promise<void>((resolve, reject) => {
        sender.send('to all', 7, '255.255.255.255', (failure) => (failure === null ? resolve() : reject(failure)));
      });
    }
    await closed(sender);
  });
});
