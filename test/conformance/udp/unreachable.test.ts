/** Peers that are not there: nobody’s error, unless reportUnreachable asks for it. */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkError } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf } from '../../support/errors.ts';
import { close } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { receive, send, unclaimedPort } from '../../support/udp.ts';
import { turns, until } from '../../support/until.ts';
import { underWine, underWineSince } from '../../support/wine.ts';

onEveryBed('udp, a peer that is not there', (bed) => {
  const fixture = testPal(bed);
  /** Nothing wakes Wine's WSAPoll for an unreachable peer, and only when it wakes does a receive look. */
  const deaf = underWine && bed.name.startsWith('wsapoll');

  it('is nobody’s error: receiving goes on, and sends too', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const received = receive(pal, server.handle);
    const nowhere = { address: '127.0.0.1', port: await unclaimedPort(pal) };
    for (let count = 0; count < 10; count++) {
      expect(await send(pal, server.handle, 'anybody?', nowhere)).to.equal(8);
      await turns(2, bed);
    }
    await send(pal, client.handle, 'still here', server);
    expect((await received).data.toString()).to.equal('still here');
    expect(pal.stats().operations.receive, 'receives posted').to.equal(1);
  });

  it('is nobody’s error on a connected socket either', async () => {
    const { pal } = fixture;
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const port = await unclaimedPort(pal);
    pal.connectUdp(client.handle, '127.0.0.1', port);
    const received = receive(pal, client.handle);
    for (let count = 0; count < 10; count++) {
      expect(await send(pal, client.handle, 'anybody?', null)).to.equal(8);
      await turns(2, bed);
    }
    if (underWine) {
      // Its server stops watching a connected socket once it has met an error (sock->aborted), so nothing comes any more.
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
    // Since then Wine sends once more when a send fails with such a report, so that no send hears of it either.
    if (deaf && underWineSince(10)) return this.skip();
    const { pal } = fixture;
    const client = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable: true });
    const port = await unclaimedPort(pal);
    // Connected: Linux, so Wine, tells nobody else. Windows does.
    pal.connectUdp(client.handle, '127.0.0.1', port);
    const reports: NetworkError[] = [];
    const hear = async (): Promise<string> => {
      for (;;) {
        try {
          const { data } = await receive(pal, client.handle);
          return data.toString();
        } catch (error) {
          if ((error as NetworkError).code === 'ECANCELED') throw error;
          reports.push(error as NetworkError);
        }
      }
    };
    // It comes to a receive. While Wine's WSAPoll waits for one, nothing wakes it and nobody else hears either: there, to a send.
    const heard = deaf ? null : hear();
    let sending = null as Promise<unknown> | null;
    await until(
      () => {
        sending ??= send(pal, client.handle, 'anybody?', null)
          .catch((error: unknown) => reports.push(error as NetworkError))
          .then(() => turns(5, bed))
          .finally(() => (sending = null));
        return reports.length > 0;
      },
      () => 'a report that nobody is there',
      bed,
    );
    await sending;
    for (const error of reports) {
      // Windows: WSAECONNRESET, "a previous send operation resulted in an ICMP Port Unreachable message". Linux: refused.
      expect(error.kind).to.be.oneOf([NetworkErrorCode.ConnectionReset, NetworkErrorCode.ConnectionRefused]);
      expect(error.code).to.be.oneOf(['ECONNRESET', 'ECONNREFUSED']);
      expect(error.syscall).to.be.oneOf(['WSARecvFrom', 'WSASendTo']);
    }
    expect(pal.stats().unreachableReports).to.be.at.least(1);
    if (underWine) {
      // Its server stops watching a connected socket that has met an error.
      pal.closeSocket(client.handle);
      if (heard !== null) expect(await rejectionOf(heard)).to.include({ code: 'ECANCELED' });
      return;
    }
    const late = pal.createUdpSocket('127.0.0.1', port);
    await send(pal, late.handle, 'here I am', client);
    expect(await heard).to.equal('here I am');
  });

  it('is kept for the next receive when nobody is asking, in no datagram’s place', async function () {
    if (deaf) return this.skip();
    const { pal } = fixture;
    const options = { reportUnreachable: true, maxQueuedReceiveBytes: 0 };
    const client = pal.createUdpSocket('127.0.0.1', 0, options);
    const peer = pal.createUdpSocket('127.0.0.1', await unclaimedPort(pal));
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
    expect(pal.stats().datagramsDropped).to.equal(0);
  });
});
