/** Handles: stale, foreign, and of the wrong kind. None may ever reach somebody else's connection. */
import { expect } from 'chai';
import type { NetworkPal, ServerHandle, SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed, rejectionOf, thrownBy } from '../../support/errors.ts';
import { close, pair, read, readExactly, write } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

const nothing = (): void => expect.fail('a refused call must not call back');

/** Every call that takes a connection's handle and refuses it when it is none. */
const connectionCalls: Record<string, (pal: NetworkPal, handle: SocketHandle) => unknown> = {
  asyncRead: (pal, handle) => pal.asyncRead(handle, new Uint8Array(1), 1, nothing),
  asyncReadView: (pal, handle) => pal.asyncReadView(handle, nothing),
  asyncDrain: (pal, handle) => pal.asyncDrain(handle, 0, nothing),
  asyncWrite: (pal, handle) => pal.asyncWrite(handle, new Uint8Array(1), nothing),
  shutdown: (pal, handle) => pal.shutdown(handle, 'send'),
  getRemoteAddress: (pal, handle) => pal.getRemoteAddress(handle),
  getRemotePort: (pal, handle) => pal.getRemotePort(handle),
  getQueuedBytes: (pal, handle) => pal.getQueuedBytes(handle),
  getProxyHeader: (pal, handle) => pal.getProxyHeader(handle),
};
/** Every call that takes either kind. */
const anyCalls: typeof connectionCalls = {
  setSocketOption: (pal, handle) => pal.setSocketOption(handle, 'NoDelay', true),
  getSocketOption: (pal, handle) => pal.getSocketOption(handle, 'NoDelay'),
  ref: (pal, handle) => pal.ref(handle),
  unref: (pal, handle) => pal.unref(handle),
  getLocalAddress: (pal, handle) => pal.getLocalAddress(handle),
  getLocalPort: (pal, handle) => pal.getLocalPort(handle),
};
const allCalls = { ...connectionCalls, ...anyCalls };

onEveryBed('handles', (bed) => {
  const fixture = sharedPal(bed);

  it('that are stale do not reach the connection that took their place', async () => {
    const { pal } = fixture;
    const { client: stale, server } = await pair(pal);
    await close(pal, stale);
    // The place, and under Windows the SOCKET's number too, go to one of the next sockets.
    const newer = [];
    for (let index = 0; index < 4; index++) newer.push(await pair(pal));
    const handles = newer.flatMap(({ client, served }) => [client, served]);
    expect(handles).to.not.include(stale);
    expectClosed(await rejectionOf(read(pal, stale)));
    expectClosed(await rejectionOf(write(pal, stale, seededBytes(50))));
    pal.shutdown(stale, 'both');
    pal.setSocketOption(stale, 'NoDelay', true);
    for (const handle of handles) expect(pal.getSocketOption(handle, 'NoDelay')).to.equal(false);
    expect([pal.getLocalPort(stale), pal.getRemotePort(stale), pal.getQueuedBytes(stale)]).to.deep.equal([0, 0, 0]);
    pal.closeSocket(stale);
    pal.resetSocket(stale);
    for (const { client, served } of newer) {
      await write(pal, client, seededBytes(50));
      expect((await readExactly(pal, served, 50)).equals(seededBytes(50))).to.equal(true);
    }
    expect(pal.getLocalPort(server.handle)).to.equal(server.port);
  });

  it('are never given out twice', async () => {
    const { pal } = fixture;
    const seen = new Set<number>();
    for (let round = 0; round < 30; round++) {
      const { server, client, served } = await pair(pal);
      for (const handle of [server.handle, client, served]) {
        expect(seen.has(handle)).to.equal(false);
        seen.add(handle);
      }
      await Promise.all([server.handle, client, served].map((handle) => close(pal, handle)));
    }
  });

  it('of servers are refused where a connection is wanted, and the reverse', async () => {
    const { pal } = fixture;
    const { server, client } = await pair(pal);
    for (const [name, call] of Object.entries(connectionCalls)) {
      const error = thrownBy(() => call(pal, server.handle as unknown as SocketHandle));
      expect(error, name).to.be.instanceOf(TypeError).and.to.include({ code: 'ERR_INVALID_HANDLE_KIND' });
      expect(error.message, name).to.match(/it is a server\. Pass one that came from/);
    }
    expect(thrownBy(() => pal.resetSocket(server.handle as unknown as SocketHandle)).code).to.equal(
      'ERR_INVALID_HANDLE_KIND',
    );
    const error = thrownBy(() => pal.asyncAccept(client as unknown as ServerHandle, nothing));
    expect(error).to.be.instanceOf(TypeError).and.to.include({ code: 'ERR_INVALID_HANDLE_KIND' });
    expect(error.message).to.match(/it is a connection\. Pass one that came from createServer/);
  });

  for (const [what, value] of [
    ['0', 0],
    ['-1', -1],
    ['1.5', 1.5],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['1000 more than one that was, which this PAL has not reached', 'later'],
    ['2^53', 2 ** 53],
    ['undefined', undefined],
    ['null', null],
    ["'7'", '7'],
    ['an object', {}],
  ] as const) {
    it(`that were never given out are refused: ${what}`, async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      const handle = (value === 'later' ? client + 1000 : value) as unknown as SocketHandle;
      const before = pal.stats();
      for (const [name, call] of Object.entries(allCalls)) {
        const error = thrownBy(() => call(pal, handle));
        expect(error.code, name).to.equal('ERR_UNKNOWN_HANDLE');
        expect(error.message, name).to.match(
          /this PAL has never given it out\. Pass the number that createServer, .* gave you/,
        );
      }
      for (const call of [
        () => pal.asyncAccept(handle as unknown as ServerHandle, nothing),
        () => pal.closeSocket(handle),
        () => pal.resetSocket(handle),
      ]) {
        expect(thrownBy(call).code).to.equal('ERR_UNKNOWN_HANDLE');
      }
      const { sockets, pendingCallbacks, freeSlots, pinnedBytes } = before;
      expect(pal.stats()).to.include({ sockets, pendingCallbacks, freeSlots, pinnedBytes });
    });
  }
});
