/** Many datagrams that are there at once: the first ends a receive that was posted, and the others are taken by calls that answer at once. */
import { expect } from 'chai';
import type { NetworkPal, UdpSocket } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { receive, receiveMany } from '../../support/udp.ts';
import { collectUncaught } from '../../support/uncaught.ts';
import { until } from '../../support/until.ts';

onEveryBed('udp, bursts', (bed) => {
  const fixture = testPal(bed);

  /** Sends one byte each, 0 … count - 1. They are in the system's buffer then, since nobody has asked for any. */
  function burst(pal: NetworkPal, to: UdpSocket, count: number): void {
    const client = pal.createUdpSocket('127.0.0.1', 0);
    for (let number = 0; number < count; number++) {
      expect(pal.trySendTo(client.handle, Uint8Array.of(number), to)).to.equal(1);
    }
  }

  it('are received whole and in order, by one call after the other', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const count = 100;
    burst(pal, server, count);
    const received: number[] = [];
    const buffer = new Uint8Array(10);
    const next = (): void =>
      void pal.asyncReceiveFrom(server.handle, buffer, 10, (error, bytes) => {
        if (error !== null) throw error;
        expect(bytes).to.equal(1);
        received.push(buffer[0] ?? -1);
        if (received.length < count) next();
      });
    next();
    await until(
      () => received.length === count,
      () => `${count} datagrams, with ${received.length}`,
      bed,
    );
    expect(received).to.deep.equal(Array.from({ length: count }, (_, number) => number));
    expect(pal.stats().datagramsDropped).to.equal(0);
  });

  it('and by calls that all wait from the start', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    burst(pal, server, 50);
    const received = await receiveMany(pal, server.handle, 50, 8);
    expect(received.map(({ data }) => data[0])).to.deep.equal(Array.from({ length: 50 }, (_, number) => number));
  });

  it('leave to the next call what nobody has asked for', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    burst(pal, server, 10);
    expect((await receive(pal, server.handle)).data[0]).to.equal(0);
    await until(
      () => pal.stats().datagramsReceived === 10,
      () => `10 datagrams, with ${pal.stats().datagramsReceived}`,
      bed,
    );
    const rest = await receiveMany(pal, server.handle, 9, 8);
    expect(rest.map(({ data }) => data[0])).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('may have their socket closed in the middle', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    burst(pal, server, 10);
    const outcomes = new Outcomes();
    const closed = outcomes.expect('close');
    for (let number = 0; number < 10; number++) {
      const told = outcomes.expect(String(number));
      pal.asyncReceiveFrom(server.handle, new Uint8Array(8), 8, (error, bytes) => {
        told(error, bytes);
        if (number === 3) pal.closeSocket(server.handle, closed);
      });
    }
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal([
      ...['0 ok', '1 ok', '2 ok', '3 ok'],
      ...['4', '5', '6', '7', '8', '9'].map((label) => `${label} ECANCELED`),
      'close ok',
    ]);
  });

  it('lose none to a receive that is cancelled in the middle', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    burst(pal, server, 9);
    const outcomes = new Outcomes();
    const received: number[] = [];
    const names: number[] = [];
    for (let number = 0; number < 10; number++) {
      const told = outcomes.expect(String(number));
      const buffer = new Uint8Array(8);
      names.push(
        pal.asyncReceiveFrom(server.handle, buffer, 8, (error, bytes) => {
          told(error, bytes);
          if (error === null) received.push(buffer[0] ?? -1);
          const third = names[3];
          if (number === 1 && third !== undefined) expect(pal.cancel(third as never)).to.equal(true);
        }),
      );
    }
    await outcomes.settled(bed);
    expect(outcomes.log.filter((line) => !line.endsWith(' ok'))).to.deep.equal(['3 ECANCELED']);
    expect(received).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('lose none to callbacks that throw', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    burst(pal, server, 10);
    const received: number[] = [];
    const thrown = await collectUncaught(async () => {
      const buffer = new Uint8Array(8);
      const next = (): void =>
        void pal.asyncReceiveFrom(server.handle, buffer, 8, (error) => {
          if (error !== null) return;
          received.push(buffer[0] ?? -1);
          next();
          throw new Error('on purpose');
        });
      next();
      await until(
        () => received.length === 10,
        () => `10 datagrams, with ${received.length}`,
        bed,
      );
    });
    expect(received).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(thrown).to.have.lengthOf(10);
  });

  it('without an end keep neither another socket waiting nor what is to run in between', async () => {
    const { pal } = fixture;
    const busy = pal.createUdpSocket('127.0.0.1', 0);
    const other = pal.createUdpSocket('127.0.0.1', 0);
    let isOver = false;
    let turns = 0;
    const buffer = new Uint8Array(8);
    // It answers itself, so whenever it looks there is a datagram.
    const next = (): void =>
      void pal.asyncReceiveFrom(busy.handle, buffer, 8, (error) => {
        if (error !== null || isOver) return;
        pal.trySendTo(busy.handle, buffer, busy);
        next();
      });
    next();
    for (let count = 0; count < 4; count++) pal.trySendTo(busy.handle, buffer, busy);
    const between = (): void => {
      turns++;
      if (!isOver) setImmediate(between);
    };
    between();
    const received = receive(pal, other.handle);
    pal.trySendTo(busy.handle, Buffer.from('you too'), other);
    void received.then(() => (isOver = true));
    await until(
      () => isOver,
      () => 'the other socket’s datagram',
      bed,
    );
    expect((await received).data.toString()).to.equal('you too');
    expect(turns).to.be.above(0);
  });
});
