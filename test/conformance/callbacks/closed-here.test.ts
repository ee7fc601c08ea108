/** What ends because the socket was closed here says so by its kind, whichever call it was; and nothing else has that kind. */
import { expect } from 'chai';
import { NetworkErrorCode, type AnyHandle, type NetworkError, type NetworkPal } from '../../../src/index.ts';
import { onEveryBed, type Bed } from '../../support/beds.ts';
import { expectClosed } from '../../support/errors.ts';
import { pair } from '../../support/io.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

/** More than any kernel buffers for a peer that does not read. */
const TOO_MUCH = 32 * 1024 * 1024;
/** So that what the peer does not take is over soon. */
const GRACE_MS = 20;

type Told = (error: NetworkError | null) => void;

/** Makes a call that does not end by itself. Returns the socket that it is made on, and cancels it if it can be cancelled. */
type Call = (pal: NetworkPal, told: Told, bed: Bed) => Promise<{ handle: AnyHandle; cancel?: () => boolean }>;

const CALLS: Readonly<Record<string, Call>> = {
  asyncRead: async (pal, told) => {
    const { client } = await pair(pal);
    const name = pal.asyncRead(client, new Uint8Array(1), 1, told);
    return { handle: client, cancel: () => pal.cancel(name) };
  },
  asyncReadView: async (pal, told) => {
    const { client } = await pair(pal);
    const name = pal.asyncReadView(client, told);
    return { handle: client, cancel: () => pal.cancel(name) };
  },
  asyncDrain: async (pal, told) => {
    const { client } = await pair(pal);
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), () => undefined);
    const name = pal.asyncDrain(client, 0, told);
    return { handle: client, cancel: () => pal.cancel(name) };
  },
  asyncWrite: async (pal, told) => {
    const { client } = await pair(pal);
    const name = pal.asyncWrite(client, new Uint8Array(TOO_MUCH), told);
    return { handle: client, cancel: () => pal.cancel(name, { hard: true }) };
  },
  asyncSendFile: async (pal, told, bed) => {
    const { client } = await pair(pal);
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), () => undefined);
    const name = pal.asyncSendFile(client, bed.putFile('closed-here', new Uint8Array(100)), {}, told);
    return { handle: client, cancel: () => pal.cancel(name) };
  },
  shutdown: async (pal, told) => {
    const { client } = await pair(pal);
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), () => undefined);
    pal.shutdown(client, 'send', told);
    return { handle: client };
  },
  watch: async (pal, told) => {
    const { client } = await pair(pal);
    pal.watch(client, { readable: true }, told);
    return { handle: client };
  },
  asyncAccept: (pal, told) => {
    const { handle } = pal.createServer('127.0.0.1', 0);
    const name = pal.asyncAccept(handle, told);
    return Promise.resolve({ handle, cancel: () => pal.cancel(name) });
  },
  'asyncConnect by name': (pal, told) => {
    const lookup = (): void => undefined; // which never answers
    const handle = pal.asyncConnect('nobody.example', 9, { lookup }, told);
    return Promise.resolve({ handle, cancel: () => pal.cancel(handle) });
  },
  asyncReceiveFrom: (pal, told) => {
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const name = pal.asyncReceiveFrom(handle, new Uint8Array(1), 1, told);
    return Promise.resolve({ handle, cancel: () => pal.cancel(name) });
  },
  asyncReceiveBatch: (pal, told) => {
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const name = pal.asyncReceiveBatch(handle, told);
    return Promise.resolve({ handle, cancel: () => pal.cancel(name) });
  },
};

/** Those which a close lets run for its grace, so that the peer may still end them. */
const FLUSHED = ['asyncWrite', 'asyncSendFile', 'shutdown'];

onEveryBed('a call whose socket is closed here', (bed) => {
  const fixture = sharedPal(bed, { closeGraceMs: GRACE_MS });

  for (const [name, call] of Object.entries(CALLS)) {
    it(`${name}: says ConnectionClosed`, async () => {
      const { pal } = fixture;
      const heard: (NetworkError | null)[] = [];
      const { handle } = await call(pal, (error) => heard.push(error), bed);
      pal.closeSocket(handle);
      await until(
        () => heard.length > 0,
        () => 'the callback',
        bed,
      );
      expect(heard).to.have.lengthOf(1);
      expectClosed(heard[0]);
    });

    it(`${name}: says something else when it is cancelled`, async () => {
      const { pal } = fixture;
      const heard: (NetworkError | null)[] = [];
      const { cancel } = await call(pal, (error) => heard.push(error), bed);
      if (cancel === undefined) return;
      expect(cancel()).to.equal(true);
      await until(
        () => heard.length > 0,
        () => 'the callback',
        bed,
      );
      expect(heard[0]).to.include({ code: 'ECANCELED', kind: NetworkErrorCode.Interrupted });
    });
  }
});

onEveryBed('a call whose loop is stopped', (bed) => {
  const fixture = testPal(bed, { closeGraceMs: GRACE_MS });

  it('says ConnectionClosed, whichever call it is', async () => {
    const { pal } = fixture;
    const heard: Record<string, NetworkError | null> = {};
    for (const [name, call] of Object.entries(CALLS)) await call(pal, (error) => (heard[name] = error), bed);
    await pal.stopEventLoop();
    expect(Object.keys(heard)).to.have.members(Object.keys(CALLS));
    for (const [name, error] of Object.entries(heard)) {
      // The same stop closes the peer, whose RST may come while this side is being flushed.
      if (FLUSHED.includes(name) && error?.kind === NetworkErrorCode.ConnectionReset) continue;
      expectClosed(error, name);
    }
  });
});
