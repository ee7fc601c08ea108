/** Closing a UDP socket answers everybody; a callback that throws and a buffer that is gone cost nobody else anything. */
import { expect } from 'chai';
import type { NetworkError } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { expectClosed, rejectionOf } from '../../support/errors.ts';
import { close, onceFree } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, receiveMany, send } from '../../support/udp.ts';
import { collectUncaught } from '../../support/uncaught.ts';
import { until } from '../../support/until.ts';

onEveryBed('udp, closing', (bed) => {
  const fixture = sharedPal(bed);

  it('answers pending receives, then itself', async () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const labels = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const label of labels) {
      pal.asyncReceiveFrom(handle, new Uint8Array(10), 10, outcomes.expect(label));
    }
    pal.closeSocket(handle, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal([...labels.map((label) => `${label} ECANCELED`), 'close ok']);
    for (const label of labels) expectClosed(outcomes.errors.get(label), label);
  });

  it('leaves its port to the next socket at once, with receives waiting and packets to come', async () => {
    const { pal } = fixture;
    const first = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    pal.asyncReceiveFrom(first.handle, new Uint8Array(10), 10, outcomes.expect('receive'));
    pal.closeSocket(first.handle, outcomes.expect('close'));
    const second = await onceFree(() => pal.createUdpSocket('127.0.0.1', first.port), bed);
    const received = receive(pal, second.handle);
    await send(pal, second.handle, Buffer.from('mine'), second);
    expect((await received).data.toString()).to.equal('mine');
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['receive ECANCELED', 'close ok']);
  });

  it('with an error there is a sender, who is nobody', async () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const heard: unknown[][] = [];
    const receive = (): number =>
      pal.asyncReceiveFrom(handle, new Uint8Array(10), 10, (error, bytes, peer, size) =>
        heard.push([error?.code, bytes, peer.address, peer.port, size]),
      );
    receive();
    await close(pal, handle);
    receive();
    await until(
      () => heard.length === 2,
      () => 'both to be answered',
      bed,
    );
    expect(heard).to.deep.equal(Array(2).fill(['ECANCELED', 0, '', 0, 0]));
  });

  it('sends what was accepted, answers it, then itself', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const received = receiveMany(pal, server.handle, 40);
    for (let number = 0; number < 40; number++) {
      pal.asyncSendTo(client.handle, Buffer.from([number]), server, outcomes.expect(`send ${number}`));
    }
    pal.asyncReceiveFrom(client.handle, new Uint8Array(10), 10, outcomes.expect('receive'));
    pal.closeSocket(client.handle, outcomes.expect('close'));
    expect((await received).map(({ data }) => data[0])).to.deep.equal(Array.from({ length: 40 }, (_, index) => index));
    await outcomes.settled(bed);
    expect(outcomes.log).to.have.lengthOf(42);
    expect(outcomes.log.at(-1)).to.equal('close ok');
    expect(outcomes.log.filter((line) => line.startsWith('send') && line.endsWith(' ok'))).to.have.lengthOf(40);
    expectClosed(outcomes.errors.get('receive'));
  });

  it('in a callback, with others pending', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const closed = outcomes.expect('close');
    const first = outcomes.expect('first');
    pal.asyncReceiveFrom(server.handle, new Uint8Array(10), 10, (error, bytes) => {
      first(error, bytes);
      pal.closeSocket(server.handle, closed);
    });
    pal.asyncReceiveFrom(server.handle, new Uint8Array(10), 10, outcomes.expect('second'));
    await send(pal, client.handle, 'x', server);
    await send(pal, client.handle, 'y', server);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['first ok', 'second ECANCELED', 'close ok']);
    expect(outcomes.values.get('first')).to.equal(1);
  });

  it('a closed handle reaches no other socket, and a second close is a no-op', async () => {
    const { pal } = fixture;
    const old = pal.createUdpSocket('127.0.0.1', 0);
    await close(pal, old.handle);
    pal.createUdpSocket('127.0.0.1', 0);
    expectClosed(await rejectionOf(receive(pal, old.handle)));
    expectClosed(await rejectionOf(send(pal, old.handle, 'late', old)));
    pal.connectUdp(old.handle, '127.0.0.1', 1);
    pal.disconnectUdp(old.handle);
    pal.joinGroup(old.handle, '224.1.2.3');
    pal.leaveGroup(old.handle, '224.1.2.3');
    pal.setSocketOption(old.handle, 'Broadcast', true);
    expect([pal.getLocalPort(old.handle), pal.getRemotePort(old.handle), pal.getQueuedBytes(old.handle)]).to.deep.equal(
      [0, 0, 0],
    );
    await close(pal, old.handle);
  });

  it('one whose callback throws loses no other callback', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const thrown = await collectUncaught(async () => {
      const outcomes = new Outcomes();
      pal.asyncReceiveFrom(server.handle, new Uint8Array(9), 9, () => {
        throw new Error('on purpose');
      });
      pal.asyncReceiveFrom(server.handle, new Uint8Array(9), 9, outcomes.expect('second'));
      pal.asyncSendTo(client.handle, new Uint8Array(1), server, () => {
        throw new Error('on purpose too');
      });
      pal.asyncSendTo(client.handle, new Uint8Array(2), server, outcomes.expect('sent'));
      await outcomes.settled(bed);
      expect([...outcomes.log].sort()).to.deep.equal(['second ok', 'sent ok']);
    });
    expect(thrown.map(({ message }) => message).sort()).to.deep.equal(['on purpose', 'on purpose too']);
  });

  it('a buffer that is detached when its datagram comes is reported, and the datagram goes to the next reader', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const gone = new Uint8Array(10);
    const failure = new Promise<NetworkError | null>((resolve) => {
      pal.asyncReceiveFrom(server.handle, gone, 10, (error) => resolve(error));
    });
    const next = receive(pal, server.handle);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await send(pal, client.handle, 'hello', server);
    expect(await failure).to.include({ code: 'ERR_BUFFER_DETACHED' });
    expect((await next).data.toString()).to.equal('hello');
  });
});
