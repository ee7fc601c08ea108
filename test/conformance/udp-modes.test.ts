/** UDP beyond one peer at a time and one peer only: connected sockets, unreachable peers, broadcast, groups, and their options. */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkPal, type UdpHandle, type UdpSocket } from '../../src/index.ts';
import { onEveryBed } from '../support/beds.ts';
import { rejectionOf, thrownBy } from '../support/errors.ts';
import { close } from '../support/io.ts';
import { sharedPal, testPal } from '../support/pal-fixture.ts';
import { receive, receiveMany, send, type Received } from '../support/udp.ts';
import { turns, until } from '../support/until.ts';

onEveryBed('udp, connected', (bed) => {
  const fixture = sharedPal(bed);

  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    it(`sends to and hears its peer only, and can be set free again, over IPv${family}`, async () => {
      const { pal } = fixture;
      const server = pal.createUdpSocket(address, 0);
      const stranger = pal.createUdpSocket(address, 0);
      // On a port that was asked for: Linux, so Wine, takes a port of its own choice back when the peer is set free.
      const chosen = pal.createUdpSocket(address, 0);
      await close(pal, chosen.handle);
      const client = pal.createUdpSocket(address, chosen.port);
      pal.connectUdp(client.handle, address, server.port);
      expect([pal.getRemoteAddress(client.handle), pal.getRemotePort(client.handle)]).to.deep.equal([
        address,
        server.port,
      ]);
      const atServer = receive(pal, server.handle);
      await send(pal, client.handle, 'to the peer', null);
      expect((await atServer).peer?.port).to.equal(client.port);
      const atClient = receive(pal, client.handle);
      await send(pal, stranger.handle, 'not from the peer', client);
      await send(pal, server.handle, 'from the peer', client);
      const { data, peer } = await atClient;
      expect(data.toString()).to.equal('from the peer');
      expect(peer).to.deep.equal({ address, port: server.port, family });

      await turns(30, bed); // what the stranger sent may still have been on its way
      pal.disconnectUdp(client.handle);
      expect(thrownBy(() => pal.getRemotePort(client.handle))).to.include({ code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' });
      const anybody = receive(pal, client.handle);
      await send(pal, stranger.handle, 'from anybody', client);
      expect((await anybody).data.toString()).to.equal('from anybody');
      const again = receive(pal, stranger.handle);
      await send(pal, client.handle, 'to anybody', stranger);
      expect((await again).data.toString()).to.equal('to anybody');
    });
  }

  it('says which call does not go with it', () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const nobody = (): void => expect.fail('a refused call must not call back');
    const bytes = new Uint8Array(1);
    for (const call of [
      () => pal.asyncSendTo(handle, bytes, null, nobody),
      () => pal.disconnectUdp(handle),
      () => pal.getRemoteAddress(handle),
    ]) {
      expect(thrownBy(call)).to.include({ code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' });
    }
    pal.connectUdp(handle, '127.0.0.1', 9);
    for (const call of [
      () => pal.asyncSendTo(handle, bytes, { address: '127.0.0.1', port: 9 }, nobody),
      () => pal.connectUdp(handle, '127.0.0.1', 10),
    ]) {
      const error = thrownBy(call);
      expect(error).to.include({ code: 'ERR_SOCKET_DGRAM_IS_CONNECTED' });
      expect(error.message).to.include('127.0.0.1 port 9');
    }
  });
});

onEveryBed('udp, a peer that is not there', (bed) => {
  const fixture = testPal(bed);

  /** A port on which nobody is. */
  async function deadPort(pal: NetworkPal): Promise<number> {
    const { handle, port } = pal.createUdpSocket('127.0.0.1', 0);
    await close(pal, handle);
    return port;
  }

  it('is nobody’s error: receiving goes on, and sends too', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const received = receive(pal, server.handle);
    const nowhere = { address: '127.0.0.1', port: await deadPort(pal) };
    for (let count = 0; count < 10; count++) {
      expect(await send(pal, server.handle, 'anybody?', nowhere)).to.equal(8);
      await turns(2, bed);
    }
    await send(pal, client.handle, 'still here', server);
    expect((await received).data.toString()).to.equal('still here');
    expect(pal.stats().operations.receive, 'receives posted').to.equal(4);
  });

  it('is nobody’s error on a connected socket either', async () => {
    const { pal } = fixture;
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const port = await deadPort(pal);
    pal.connectUdp(client.handle, '127.0.0.1', port);
    const received = receive(pal, client.handle);
    for (let count = 0; count < 10; count++) {
      expect(await send(pal, client.handle, 'anybody?', null)).to.equal(8);
      await turns(2, bed);
    }
    if (bed.real) {
      // Wine's server stops watching a connected socket once it has met an error (sock->aborted), so nothing comes any more.
      // Where nothing is known to be in the way, reception goes on.
      pal.closeSocket(client.handle);
      expect(await rejectionOf(received)).to.include({ code: 'ECANCELED' });
      return;
    }
    const late = pal.createUdpSocket('127.0.0.1', port);
    const atLate = receive(pal, late.handle);
    await send(pal, client.handle, 'now?', null);
    expect((await atLate).data.toString()).to.equal('now?');
    await send(pal, late.handle, 'yes', client);
    expect((await received).data.toString()).to.equal('yes');
  });

  it('is reported where reportUnreachable asks for it, and receiving goes on', async function () {
    if (bed.name.startsWith('wsapoll')) return this.skip(); // under Wine nothing wakes WSAPoll for it
    const { pal } = fixture;
    const client = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable: true });
    const port = await deadPort(pal);
    // Connected: Linux, so Wine, tells nobody else. Windows does.
    pal.connectUdp(client.handle, '127.0.0.1', port);
    const failed = rejectionOf(receive(pal, client.handle));
    await send(pal, client.handle, 'anybody?', null);
    const error = await failed;
    // Windows: WSAECONNRESET, "a previous send operation resulted in an ICMP Port Unreachable message". Linux: refused.
    expect(error.kind).to.be.oneOf([NetworkErrorCode.ConnectionReset, NetworkErrorCode.ConnectionRefused]);
    expect(error.code).to.be.oneOf(['ECONNRESET', 'ECONNREFUSED']);
    expect(error.syscall).to.equal('WSARecvFrom');
    expect(pal.stats().unreachableReports).to.be.at.least(1);
    if (bed.real) return; // Wine's server stops watching a connected socket that has met an error
    const late = pal.createUdpSocket('127.0.0.1', port);
    await send(pal, late.handle, 'here I am', client);
    // A system may tell every receive that was posted.
    let answer: Received | null = null;
    for (let left = 10; answer === null && left > 0; left--) {
      answer = await receive(pal, client.handle).catch(() => null);
    }
    expect(answer?.data.toString()).to.equal('here I am');
  });

  it('is kept for the next receive when nobody is asking', async function () {
    if (bed.name.startsWith('wsapoll')) return this.skip(); // under Wine nothing wakes WSAPoll for it
    const { pal } = fixture;
    const client = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable: true });
    const peer = pal.createUdpSocket('127.0.0.1', 0);
    pal.connectUdp(client.handle, '127.0.0.1', peer.port);
    const first = receive(pal, client.handle); // the pool is posted from now on
    await send(pal, peer.handle, 'hello', client);
    await first;
    await close(pal, peer.handle);
    await send(pal, client.handle, 'anybody?', null);
    await until(
      () => pal.stats().unreachableReports > 0,
      () => 'the report',
      bed,
    );
    expect((await rejectionOf(receive(pal, client.handle))).code).to.be.oneOf(['ECONNRESET', 'ECONNREFUSED']);
  });
});

onEveryBed('udp, broadcast', (bed) => {
  const fixture = sharedPal(bed);
  /** The broadcast address of the loopback network: nothing leaves this machine. */
  const everybody = '127.255.255.255';

  it('reaches every socket of the port, once it is allowed', async () => {
    const { pal } = fixture;
    const first = pal.createUdpSocket('0.0.0.0', 0, { reuseAddr: true });
    const second = pal.createUdpSocket('0.0.0.0', first.port, { reuseAddr: true });
    const sender = pal.createUdpSocket('127.0.0.1', 0);
    const to = { address: everybody, port: first.port };
    expect(pal.getSocketOption(sender.handle, 'Broadcast')).to.equal(false);
    const refused = await rejectionOf(send(pal, sender.handle, 'x', to));
    expect(refused).to.include({ kind: NetworkErrorCode.PermissionDenied, code: 'EACCES', port: first.port });
    pal.setSocketOption(sender.handle, 'Broadcast', true);
    expect(pal.getSocketOption(sender.handle, 'Broadcast')).to.equal(true);
    const received = [receive(pal, first.handle), receive(pal, second.handle)];
    await send(pal, sender.handle, 'all of you', to);
    for (const { data, peer } of await Promise.all(received)) {
      expect(data.toString()).to.equal('all of you');
      expect(peer?.port).to.equal(sender.port);
    }
  });

  it('can be allowed from the start', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('0.0.0.0', 0);
    const sender = pal.createUdpSocket('127.0.0.1', 0, { broadcast: true });
    const received = receive(pal, server.handle);
    await send(pal, sender.handle, 'hello', { address: everybody, port: server.port });
    expect((await received).data.toString()).to.equal('hello');
  });
});

onEveryBed('udp, multicast', (bed) => {
  const fixture = sharedPal(bed);
  const group = '239.255.77.3';
  const other = '239.255.77.4';
  /** Through the loopback interface: nothing leaves this machine. */
  const local = { interface: '127.0.0.1' };

  function sender(pal: NetworkPal): UdpHandle {
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    pal.setSocketOption(handle, 'MulticastInterface', '127.0.0.1');
    return handle;
  }

  it('reaches the members of the group, as long as they are', async () => {
    const { pal } = fixture;
    const first = pal.createUdpSocket('0.0.0.0', 0, { reuseAddr: true });
    const second = pal.createUdpSocket('0.0.0.0', first.port, { reuseAddr: true });
    const from = sender(pal);
    for (const { handle } of [first, second]) pal.joinGroup(handle, group, local);
    const to = { address: group, port: first.port };
    const both = [receive(pal, first.handle), receive(pal, second.handle)];
    await send(pal, from, 'both', to);
    for (const { data } of await Promise.all(both)) expect(data.toString()).to.equal('both');

    pal.leaveGroup(second.handle, group, local);
    const onlyFirst = receive(pal, first.handle);
    const secondHears = receive(pal, second.handle);
    pal.joinGroup(second.handle, other, local);
    await send(pal, from, 'group', to);
    expect((await onlyFirst).data.toString()).to.equal('group');
    await send(pal, from, 'other', { address: other, port: first.port });
    // Linux gives a group's datagrams to every socket of the port while another socket has joined it.
    expect((await secondHears).data.toString()).to.be.oneOf(bed.real ? ['other', 'group'] : ['other']);
  });

  /** Sockets on the system's choice of interface, which may be a real one: with a TTL of 0 nothing leaves this machine. */
  function staying(pal: NetworkPal, any: string, named: string): { member: UdpSocket; from: UdpHandle } | null {
    const member = pal.createUdpSocket(any, 0, { ...(any === '::' && { ipv6Only: true }) });
    const from = pal.createUdpSocket(any, 0, { ...(any === '::' && { ipv6Only: true }) }).handle;
    pal.setSocketOption(from, 'MulticastTTL', 0);
    try {
      pal.joinGroup(member.handle, named);
    } catch (error) {
      // A machine without a network has no interface to choose.
      expect(error)
        .to.have.property('syscall')
        .that.matches(/ADD_MEMBERSHIP/);
      return null;
    }
    return { member, from };
  }

  it('does not come back to this machine with MulticastLoop off', async function () {
    const { pal } = fixture;
    const sockets = staying(pal, '0.0.0.0', group);
    if (sockets === null) return this.skip();
    const { member, from } = sockets;
    const received = receive(pal, member.handle);
    // On Windows the receiver decides, elsewhere the sender.
    for (const handle of [from, member.handle]) pal.setSocketOption(handle, 'MulticastLoop', false);
    await send(pal, from, 'unheard', { address: group, port: member.port });
    await turns(5, bed);
    for (const handle of [from, member.handle]) pal.setSocketOption(handle, 'MulticastLoop', true);
    await send(pal, from, 'heard', { address: group, port: member.port });
    expect((await received).data.toString()).to.equal('heard');
  });

  it('from one source only', async function () {
    if (bed.real) return this.skip(); // Wine hands source and interface to Linux in the wrong order
    const { pal } = fixture;
    const member = pal.createUdpSocket('0.0.0.0', 0);
    // Interface and source are the same here: Wine hands them to Linux in Windows' order, which is not Linux'.
    const options = { ...local, source: '127.0.0.1' };
    pal.joinGroup(member.handle, group, options);
    const source = sender(pal);
    const from = pal.createUdpSocket('127.0.0.2', 0).handle;
    pal.setSocketOption(from, 'MulticastInterface', '127.0.0.1');
    const received = receive(pal, member.handle);
    const to = { address: group, port: member.port };
    await send(pal, from, 'not from the source', to);
    await send(pal, source, 'from the source', to);
    expect((await received).data.toString()).to.equal('from the source');
    pal.leaveGroup(member.handle, group, options);
    expect(() => pal.leaveGroup(member.handle, group, options)).to.throw();
  });

  it('over IPv6', async function () {
    const { pal } = fixture;
    const named = 'ff02::77:3';
    const sockets = staying(pal, '::', named);
    if (sockets === null) return this.skip();
    const { member, from } = sockets;
    const received = receive(pal, member.handle);
    await send(pal, from, 'six', { address: named, port: member.port });
    expect((await received).data.toString()).to.equal('six');
    pal.leaveGroup(member.handle, named);
    expect(() => pal.leaveGroup(member.handle, named)).to.throw();
  });

  it('over IPv6, on an interface named by its index', () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('::', 0);
    const named = 'ff02::77:3';
    // Both ways of writing an index say the same.
    pal.joinGroup(handle, named, { interface: 1 });
    pal.leaveGroup(handle, `${named}%1`);
    pal.joinGroup(handle, named, { interface: '::%1' });
    pal.leaveGroup(handle, named, { interface: 1 });
    pal.setSocketOption(handle, 'MulticastInterface', '::%1');
    expect(pal.getSocketOption(handle, 'MulticastInterface')).to.equal(1);
  });

  it('refuses what is no group, no interface or no source', () => {
    const { pal } = fixture;
    const v4 = pal.createUdpSocket('127.0.0.1', 0).handle;
    const v6 = pal.createUdpSocket('::1', 0).handle;
    for (const [call, code] of [
      [() => pal.joinGroup(v4, '127.0.0.1'), 'ERR_INVALID_IP_ADDRESS'],
      [() => pal.joinGroup(v4, 'ff02::1'), 'ERR_INVALID_IP_ADDRESS'],
      [() => pal.joinGroup(v6, '224.0.0.1'), 'ERR_INVALID_IP_ADDRESS'],
      [() => pal.joinGroup(v4, 'all hosts'), 'ERR_INVALID_IP_ADDRESS'],
      [() => pal.joinGroup(v4, group, { interface: 'eth0' }), 'ERR_INVALID_ARG_VALUE'],
      [() => pal.joinGroup(v4, group, { interface: '::1' }), 'ERR_INVALID_ARG_VALUE'],
      [() => pal.joinGroup(v4, group, { interface: -1 }), 'ERR_OUT_OF_RANGE'],
      [() => pal.joinGroup(v6, 'ff02::1', { interface: '127.0.0.1' }), 'ERR_INVALID_ARG_VALUE'],
      [() => pal.joinGroup(v4, group, { source: 'nobody' }), 'ERR_INVALID_IP_ADDRESS'],
      [() => pal.joinGroup(v6, 'ff02::1', { source: '::1' }), 'ERR_NOT_SUPPORTED'],
      [() => pal.setSocketOption(v4, 'MulticastInterface', '::1'), 'ERR_INVALID_ARG_VALUE'],
      [() => pal.setSocketOption(v6, 'MulticastInterface', '127.0.0.1'), 'ERR_INVALID_ARG_VALUE'],
    ] as const) {
      expect(thrownBy(call).code, String(call)).to.equal(code);
    }
    // A group that was joined already, or was not: the system's word.
    pal.joinGroup(v4, group, local);
    expect(thrownBy(() => pal.joinGroup(v4, group, local))).to.include({
      address: group,
      syscall: 'setsockopt(IP_ADD_MEMBERSHIP)',
    });
    pal.leaveGroup(v4, group, local);
    expect(thrownBy(() => pal.leaveGroup(v4, group))).to.include({ syscall: 'setsockopt(IP_DROP_MEMBERSHIP)' });
  });
});

onEveryBed('udp, options', (bed) => {
  const fixture = sharedPal(bed);

  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    it(`of IPv${family} read back as they were set`, () => {
      const { pal } = fixture;
      const { handle } = pal.createUdpSocket(address, 0, { receiveBufferSize: 200_000, sendBufferSize: 100_000 });
      expect(pal.getSocketOption(handle, 'ReceiveBufferSize')).to.be.at.least(200_000);
      expect(pal.getSocketOption(handle, 'SendBufferSize')).to.be.at.least(100_000);
      expect(pal.getSocketOption(handle, 'MulticastTTL')).to.equal(1);
      expect(pal.getSocketOption(handle, 'MulticastLoop')).to.equal(true);
      expect(pal.getSocketOption(handle, 'MulticastInterface')).to.equal(family === 4 ? '0.0.0.0' : 0);
      expect(pal.getSocketOption(handle, 'TTL')).to.be.within(1, 255);
      for (const value of [0, 1, 33, 255]) {
        pal.setSocketOption(handle, 'MulticastTTL', value);
        expect(pal.getSocketOption(handle, 'MulticastTTL')).to.equal(value);
      }
      for (const value of [1, 77, 255]) {
        pal.setSocketOption(handle, 'TTL', value);
        expect(pal.getSocketOption(handle, 'TTL')).to.equal(value);
      }
      pal.setSocketOption(handle, 'MulticastLoop', false);
      expect(pal.getSocketOption(handle, 'MulticastLoop')).to.equal(false);
      pal.setSocketOption(handle, 'MulticastInterface', family === 4 ? '127.0.0.1' : 1);
      expect(pal.getSocketOption(handle, 'MulticastInterface')).to.equal(family === 4 ? '127.0.0.1' : 1);
      for (const [option, value] of [
        ['MulticastTTL', 256],
        ['MulticastTTL', -1],
        ['TTL', 0],
        ['TTL', 256],
      ] as const) {
        expect(thrownBy(() => pal.setSocketOption(handle, option, value)).code).to.equal('ERR_OUT_OF_RANGE');
      }
      expect(thrownBy(() => pal.setSocketOption(handle, 'Broadcast', 1 as never)).code).to.equal(
        'ERR_INVALID_ARG_VALUE',
      );
      expect(() => pal.setSocketOption(handle, 'NoDelay', true), 'a TCP option').to.throw(/NODELAY/);
    });
  }

  it('two sockets share a port with reuseAddr, and nobody an exclusive one', async () => {
    const { pal } = fixture;
    const plain = pal.createUdpSocket('127.0.0.1', 0);
    expect(thrownBy(() => pal.createUdpSocket('127.0.0.1', plain.port))).to.include({
      code: 'EADDRINUSE',
      kind: NetworkErrorCode.AddressInUse,
      syscall: 'bind',
    });
    const exclusive = pal.createUdpSocket('127.0.0.1', 0, { exclusive: true });
    expect(thrownBy(() => pal.createUdpSocket('127.0.0.1', exclusive.port, { reuseAddr: true })).code).to.be.oneOf([
      'EACCES',
      'EADDRINUSE',
    ]);
    const shared = pal.createUdpSocket('127.0.0.1', 0, { reuseAddr: true });
    const second = pal.createUdpSocket('127.0.0.1', shared.port, { reuseAddr: true });
    expect(second.port).to.equal(shared.port);
    await close(pal, second.handle);
    const received = receiveMany(pal, shared.handle, 1);
    await send(pal, plain.handle, 'x', shared);
    expect(await received).to.have.lengthOf(1);
  });
});
