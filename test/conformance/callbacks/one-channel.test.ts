/** What depends on the moment never throws: it answers in the callback, or with a documented value (docs/errors.md). */
import { expect } from 'chai';
import { WouldBlock } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { expectClosed, rejectionOf, thrownBy } from '../../support/errors.ts';
import { close, pair, read, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';

/** Bytes that no two kernel buffers of a connection hold, on any bed. */
const TOO_MUCH = 20_000_000;

onEveryBed('a socket that is closing, or has closed', (bed) => {
  const fixture = testPal(bed, { closeGraceMs: 60_000 });

  for (const state of ['closing', 'closed', 'stopped'] as const) {
    it(`answers every call: ${state}`, async () => {
      const { pal } = fixture;
      const { client, served, server } = await pair(pal);
      const closing = close(pal, client);
      if (state !== 'closing') await closing;
      if (state === 'stopped') await pal.stopEventLoop();
      expectClosed(await rejectionOf(read(pal, client)));
      expectClosed(await rejectionOf(write(pal, client, new Uint8Array(1))));
      pal.shutdown(client, 'both');
      pal.ref(client);
      pal.unref(client);
      pal.setSocketOption(client, 'NoDelay', true);
      pal.unwatch(client);
      expect(pal.cancel(client)).to.equal(false);
      expect(pal.getSocketOption(client, 'KeepAlive')).to.equal(false);
      expect(pal.getQueuedBytes(client)).to.equal(0);
      expect(pal.getLocalAddress(client)).to.be.oneOf(['', '127.0.0.1']);
      expect(pal.getRemotePort(client)).to.be.oneOf([0, server.port]);
      expect(pal.tryRead(client, new Uint8Array(1))).to.equal(0);
      expect(pal.tryWrite(client, new Uint8Array(1))).to.equal(WouldBlock);
      await close(pal, client);
      await new Promise<void>((resolve) => pal.resetSocket(served, resolve));
    });
  }

  it('keeps answering what it is asked while a socket that is closing flushes, and then with nothing', async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    const local = pal.getLocalPort(client);
    pal.setSocketOption(client, 'KeepAlive', true);
    const written = write(pal, client, Buffer.alloc(TOO_MUCH));
    const answers = (): unknown[] => [
      pal.getLocalAddress(client),
      pal.getLocalPort(client),
      pal.getRemoteAddress(client),
      pal.getRemotePort(client),
      pal.getQueuedBytes(client) > 0,
      pal.getSocketOption(client, 'KeepAlive'),
    ];
    const closing = new Promise<unknown[]>((resolve) => pal.closeSocket(client, () => resolve(answers())));
    expect(answers()).to.deep.equal(['127.0.0.1', local, '127.0.0.1', server.port, true, true]);
    await readExactly(pal, served, 65_536);
    expect(answers()).to.deep.equal(['127.0.0.1', local, '127.0.0.1', server.port, true, true]);
    await readExactly(pal, served, TOO_MUCH - 65_536);
    await written;
    expect(await closing).to.deep.equal(['', 0, '', 0, false, false]);
  });

  it('calls back with 0 for writes of nothing, each in its turn', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const order: string[] = [];
    const told = (name: string) => (error: Error | null, bytes: number) =>
      order.push(`${name} ${error === null ? bytes : error.message}`);
    pal.asyncWrite(client, new Uint8Array(0), told('first'));
    pal.asyncWrite(client, Buffer.alloc(300_000, 1), told('second'));
    pal.asyncWrite(client, [], told('third'));
    pal.asyncWrite(client, [new Uint8Array(0), new Uint8Array(0)], told('fourth'));
    const last = write(pal, client, new Uint8Array(7));
    expect((await readExactly(pal, served, 300_007)).length).to.equal(300_007);
    expect(await last).to.equal(7);
    expect(order).to.deep.equal(['first 0', 'second 300000', 'third 0', 'fourth 0']);
  });
});

onEveryBed('a stop that begins while a call reads its options', (bed) => {
  const fixture = testPal(bed);

  for (const call of ['createServer', 'createUdpSocket'] as const) {
    it(`ends, and ${call} has opened nothing`, async () => {
      const { pal } = fixture;
      let stopped: Promise<void> | undefined;
      const options = {
        get reuseAddr(): boolean {
          stopped = pal.stopEventLoop();
          return false;
        },
      };
      expect(thrownBy(() => pal[call]('127.0.0.1', 0, options))).to.include({ code: 'ERR_EVENT_LOOP_STOPPED' });
      await stopped;
    });
  }
});
