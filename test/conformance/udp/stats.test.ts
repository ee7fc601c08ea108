/** What stats() and describe() say of UDP sockets. */
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { receiveMany, send } from '../../support/udp.ts';

onEveryBed('udp, stats and describe', (bed) => {
  const fixture = testPal(bed);

  it('count datagrams and bytes, and name sockets', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: 2 });
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const received = receiveMany(pal, server.handle, 3);
    for (const size of [10, 0, 5]) await send(pal, client.handle, seededBytes(size), server);
    await received;
    const stats = pal.stats();
    expect(stats).to.include({ sockets: 2, servers: 0, udpSockets: 2, datagramsSent: 3, datagramsReceived: 3 });
    expect(stats).to.include({ bytesSent: 15, bytesReceived: 15, queuedBytes: 0, pendingCallbacks: 0 });
    expect(stats.operations).to.include({ receive: 2, send: 0 });
    expect(stats.syscalls).to.include({ WSASendTo: 3 });
    expect(stats.syscalls['WSARecvFrom']).to.be.at.least(5);
    const nothing = (): void => undefined;
    pal.asyncReceiveFrom(server.handle, Buffer.alloc(7), 7, nothing);
    expect(pal.describe()).to.match(
      /udp \d+ \(SOCKET \d+\), \d+ ms old, BOUND: on 127\.0\.0\.1 port \d+, 2 receives posted/,
    );
    expect(pal.describe()).to.match(/receive of up to 7 bytes[^]*udp[\\/]stats\.test/);
    pal.connectUdp(client.handle, '127.0.0.1', server.port);
    expect(pal.describe()).to.include(`peer 127.0.0.1 port ${server.port}`);
  });
});
