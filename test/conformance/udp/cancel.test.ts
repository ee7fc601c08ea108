/** Receives and sends on UDP sockets that are taken back: by cancel(), by a deadline, by a signal. No datagram is lost to it. */
import { expect } from 'chai';
import type { NetworkError } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { receive, send } from '../../support/udp.ts';
import { until } from '../../support/until.ts';

onEveryBed('udp, cancel', (bed) => {
  const fixture = sharedPal(bed);

  it('a receive is answered, and the next one gets its datagram', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const names = ['first', 'second', 'third', 'fourth', 'fifth'].map((label) =>
      pal.asyncReceiveFrom(socket.handle, new Uint8Array(9), 9, outcomes.expect(label)),
    );
    const [first, , third, , fifth] = names;
    if (first === undefined || third === undefined || fifth === undefined) throw new Error('no names');
    expect(new Set(names).size).to.equal(5);
    for (const name of [fifth, third, first]) expect(pal.cancel(name)).to.equal(true);
    expect(pal.cancel(first), 'a second time').to.equal(false);
    const rest = receive(pal, socket.handle);
    for (const text of ['a', 'bc', 'def']) await send(pal, socket.handle, text, socket);
    expect((await rest).data.toString()).to.equal('def');
    await outcomes.settled(bed);
    expect([outcomes.values.get('second'), outcomes.values.get('fourth')]).to.deep.equal([1, 2]);
    for (const label of ['first', 'third', 'fifth']) expect(outcomes.errors.get(label)?.code).to.equal('ECANCELED');
  });

  it('a datagram that had come already is the next one’s', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const first = receive(pal, socket.handle);
    for (const text of ['asked for', 'kept']) await send(pal, socket.handle, text, socket);
    await first;
    await until(
      () => pal.describe().includes('1 datagrams untaken'),
      () => 'the second datagram',
      bed,
    );
    const outcomes = new Outcomes();
    const name = pal.asyncReceiveFrom(socket.handle, new Uint8Array(9), 9, outcomes.expect('cancelled'));
    expect(pal.cancel(name)).to.equal(true);
    expect((await receive(pal, socket.handle)).data.toString()).to.equal('kept');
    await outcomes.settled(bed);
    expect(outcomes.errors.get('cancelled')?.code).to.equal('ECANCELED');
  });

  it('a receive ends at its deadline and by its signal, and receiving goes on', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const codeOf = (options: object): Promise<string | undefined> =>
      new Promise((resolve) => {
        const callback = (error: NetworkError | null): void => resolve(error?.code);
        pal.asyncReceiveFrom(socket.handle, new Uint8Array(9), 9, options, callback);
      });
    expect(await codeOf({ timeout: 5 })).to.equal('ETIMEDOUT');
    const controller = new AbortController();
    const aborted = codeOf({ signal: controller.signal });
    controller.abort();
    expect(await aborted).to.equal('ABORT_ERR');
    expect(await codeOf({ signal: controller.signal }), 'aborted before').to.equal('ABORT_ERR');
    const received = receive(pal, socket.handle);
    await send(pal, socket.handle, 'x', socket);
    expect((await received).data.toString()).to.equal('x');
  });

  it('a send that waits is not sent; every other one is, once', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const labels = Array.from({ length: 24 }, (_, index) => `send ${index}`);
    const names = labels.map((label) =>
      pal.asyncSendTo(socket.handle, Buffer.from(label), socket, outcomes.expect(label)),
    );
    const last = names.at(-1);
    const middle = names.at(18);
    if (last === undefined || middle === undefined) throw new Error('no names');
    // Sixteen are in the kernel: these two wait.
    expect([pal.cancel(last), pal.cancel(middle)]).to.deep.equal([true, true]);
    const received = await Promise.all(Array.from({ length: 22 }, () => receive(pal, socket.handle)));
    await outcomes.settled(bed);
    const failed = labels.filter((label) => outcomes.errors.get(label) !== null);
    expect(failed).to.deep.equal(['send 18', 'send 23']);
    expect(received.map(({ data }) => data.toString())).to.deep.equal(
      labels.filter((label) => !failed.includes(label)),
    );
    expect(pal.getQueuedBytes(socket.handle)).to.equal(0);
  });

  it('a send that the kernel has is sent or cancelled, and says which', async () => {
    const { pal } = fixture;
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    for (let round = 0; round < 20; round++) {
      const outcomes = new Outcomes();
      const controller = new AbortController();
      const { signal } = controller;
      const bytes = Buffer.from(`try ${round}`);
      const name = pal.asyncSendTo(socket.handle, bytes, socket, { signal }, outcomes.expect('send'));
      if (round % 2 === 0) pal.cancel(name);
      else controller.abort();
      await outcomes.settled(bed);
      const error = outcomes.errors.get('send');
      const sent = error === null;
      // In the words of who took it back, not in the system's.
      if (!sent) expect(error?.code).to.equal(round % 2 === 0 ? 'ECANCELED' : 'ABORT_ERR');
      if (!sent) await send(pal, socket.handle, `try ${round}`, socket);
      // Once either way: a send that says it was taken back must not arrive as well.
      expect((await receive(pal, socket.handle)).data.toString()).to.equal(`try ${round}`);
    }
  });
});
