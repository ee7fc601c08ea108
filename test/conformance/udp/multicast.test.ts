/** Multicast groups. */
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { NetworkPal, UdpHandle, UdpSocket } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, send, type Received } from '../../support/udp.ts';
import { turns } from '../../support/until.ts';
import { underWine } from '../../support/wine.ts';

/** How long Windows has to hand a datagram to its own machine, milliseconds. */
const HEARD_WITHIN_MS = 3000;

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
    // Linux, so Wine, gives a group's datagrams to every socket of the port while another socket has joined it.
    expect((await secondHears).data.toString()).to.be.oneOf(underWine ? ['other', 'group'] : ['other']);
  });

  /**
   * Awaits both. Null when nothing comes: Windows may drop a datagram whose TTL is 0, or refuse to send it, instead of giving it
   * to the members on this machine. Wine and the simulation give it.
   */
  async function staying(sent: Promise<unknown>, received: Promise<Received>): Promise<Received | null> {
    const heard = Promise.all([received, sent]).then(([received]) => received);
    if (!bed.real || underWine) return heard;
    return Promise.race([heard.catch(() => null), setTimeout(HEARD_WITHIN_MS, null)]);
  }

  /** Sockets on the system's choice of interface, which may be a real one: with a TTL of 0 nothing leaves this machine. */
  function stayingSockets(pal: NetworkPal, any: string, named: string): { member: UdpSocket; from: UdpHandle } | null {
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
    const sockets = stayingSockets(pal, '0.0.0.0', group);
    if (sockets === null) return this.skip();
    const { member, from } = sockets;
    const received = receive(pal, member.handle);
    // On Windows the receiver decides, elsewhere the sender.
    for (const handle of [from, member.handle]) pal.setSocketOption(handle, 'MulticastLoop', false);
    const unheard = send(pal, from, 'unheard', { address: group, port: member.port });
    await unheard.catch((error: unknown) => {
      if (!bed.real || underWine) throw error; // see staying
    });
    await turns(5, bed);
    for (const handle of [from, member.handle]) pal.setSocketOption(handle, 'MulticastLoop', true);
    const heard = await staying(send(pal, from, 'heard', { address: group, port: member.port }), received);
    if (heard === null) return this.skip();
    expect(heard.data.toString()).to.equal('heard');
  });

  it('from one source only', async () => {
    const { pal } = fixture;
    const member = pal.createUdpSocket('0.0.0.0', 0);
    const stranger = pal.createUdpSocket('0.0.0.0', 0);
    const options = { ...local, source: '127.0.0.1' };
    pal.joinGroup(member.handle, group, options);
    // Wine hands interface and source to Linux in each other's place, so they must be the same there.
    pal.joinGroup(stranger.handle, group, { interface: underWine ? '127.0.0.2' : '127.0.0.1', source: '127.0.0.2' });
    const received = [receive(pal, member.handle), receive(pal, stranger.handle)];
    const from = sender(pal);
    for (const { port } of [member, stranger]) await send(pal, from, 'from the source', { address: group, port });
    for (const { port } of [member, stranger]) await send(pal, from, 'to you alone', { address: '127.0.0.1', port });
    const heard = (await Promise.all(received)).map(({ data }) => data.toString());
    expect(heard).to.deep.equal(['from the source', 'to you alone']);
    pal.leaveGroup(member.handle, group, options);
    expect(() => pal.leaveGroup(member.handle, group, options)).to.throw();
  });

  it('over IPv6', async function () {
    const { pal } = fixture;
    const named = 'ff02::77:3';
    const sockets = stayingSockets(pal, '::', named);
    if (sockets === null) return this.skip();
    const { member, from } = sockets;
    const received = receive(pal, member.handle);
    const heard = await staying(send(pal, from, 'six', { address: named, port: member.port }), received);
    if (heard === null) return this.skip();
    expect(heard.data.toString()).to.equal('six');
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
      [() => pal.joinGroup(v6, 'ff02::1', { interface: 'fe80::1' }), 'ERR_INVALID_ARG_VALUE'], // without its zone
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
