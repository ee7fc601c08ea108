/** A server that is closed has stopped listening when closeSocket returns, while the packets of its accepts are still to come. */
import { expect } from 'chai';
import type { NetworkError } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf } from '../../support/errors.ts';
import { accept, connect, onceFree, readToEnd, serverOnUnclaimedPort } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

onEveryBed('a server that is closed', (bed) => {
  const fixture = sharedPal(bed);

  it('refuses whoever connects afterwards, with accepts waiting and packets to come', async () => {
    const { pal } = fixture;
    const server = serverOnUnclaimedPort(pal);
    const outcomes = new Outcomes();
    for (const label of ['a', 'b']) pal.asyncAccept(server.handle, outcomes.expect(label));
    pal.closeSocket(server.handle, outcomes.expect('close'));
    // Wine's server may complete a connection while it takes the socket apart; nobody serves it, and it is reset.
    const error = await rejectionOf(connect(pal, server.address, server.port).then((socket) => readToEnd(pal, socket)));
    expect(error.code).to.be.oneOf(bed.real ? ['ECONNREFUSED', 'ECONNRESET'] : ['ECONNREFUSED']);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['a ECANCELED', 'b ECANCELED', 'close ok']);
  });

  it('leaves its port to the next server at once', async () => {
    const { pal } = fixture;
    const first = serverOnUnclaimedPort(pal);
    const outcomes = new Outcomes();
    pal.asyncAccept(first.handle, outcomes.expect('first'));
    pal.closeSocket(first.handle, outcomes.expect('close'));
    const second = await onceFree(() => pal.createServer('127.0.0.1', first.port), bed);
    const accepted = accept(pal, second.handle);
    await connect(pal, second.address, second.port);
    await accepted;
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['first ECANCELED', 'close ok']);
  });

  it('knows where it was bound until its close callback', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const addresses = (): unknown => [pal.getLocalAddress(server.handle), pal.getLocalPort(server.handle)];
    const closed = new Promise<unknown>((resolve) => pal.closeSocket(server.handle, () => resolve(addresses())));
    expect(addresses()).to.deep.equal(['127.0.0.1', server.port]);
    expect(await closed).to.deep.equal(['', 0]);
  });

  it('has nothing to do with the socket that gets its number', async () => {
    // Windows gives the number of a closed socket to the next one: a cancel that is repeated, or a second closesocket, would hit it.
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 4 });
    const outcomes = new Outcomes();
    pal.closeSocket(server.handle, outcomes.expect('close'));
    const receiver = pal.createUdpSocket('127.0.0.1', 0);
    const other = pal.createServer('127.0.0.1', 0, { acceptDepth: 4 });
    await outcomes.settled(bed);
    const received = new Promise<NetworkError | null>((resolve) =>
      pal.asyncReceiveFrom(receiver.handle, Buffer.alloc(8), 8, resolve),
    );
    const accepted = accept(pal, other.handle);
    pal.asyncSendTo(receiver.handle, Buffer.from('here'), receiver, () => undefined);
    await connect(pal, other.address, other.port);
    expect(await received).to.equal(null);
    await accepted;
  });

  it('resets what has come and nobody has taken', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const clients = await Promise.all([1, 2, 3].map(() => connect(pal, server.address, server.port)));
    const ends = clients.map((client) => rejectionOf(readToEnd(pal, client)));
    pal.closeSocket(server.handle);
    for (const error of await Promise.all(ends)) expect(error.code).to.be.oneOf(['ECONNRESET', 'ECONNABORTED']);
  });
});
