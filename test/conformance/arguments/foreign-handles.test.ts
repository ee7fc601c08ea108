/** Handles of another PAL: refused by everything that takes one, whatever socket has the same place here. */
import { expect } from 'chai';
import {
  createHeaderTimeout,
  createIdleTimeout,
  NetworkErrorCode,
  openRemote,
  type NetworkPal,
} from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { pair } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

const nothing = (): void => expect.fail('a refused call must not call back');
const bytes = (): Uint8Array => new Uint8Array(8);

/** Every call that takes a handle, of whatever kind. */
const CALLS: Readonly<Record<string, (pal: NetworkPal, handle: never) => unknown>> = {
  asyncAccept: (pal, handle) => pal.asyncAccept(handle, nothing),
  asyncRead: (pal, handle) => pal.asyncRead(handle, bytes(), 8, nothing),
  asyncReadView: (pal, handle) => pal.asyncReadView(handle, nothing),
  asyncDrain: (pal, handle) => pal.asyncDrain(handle, 0, nothing),
  asyncWrite: (pal, handle) => pal.asyncWrite(handle, bytes(), nothing),
  asyncSendFile: (pal, handle) => pal.asyncSendFile(handle, 'file', {}, nothing),
  asyncReceiveFrom: (pal, handle) => pal.asyncReceiveFrom(handle, bytes(), 8, nothing),
  asyncReceiveBatch: (pal, handle) => pal.asyncReceiveBatch(handle, nothing),
  trySendMany: (pal, handle) => pal.trySendMany(handle, []),
  trySendTo: (pal, handle) => pal.trySendTo(handle, bytes(), { address: '127.0.0.1', port: 9 }),
  asyncSendTo: (pal, handle) => pal.asyncSendTo(handle, bytes(), { address: '127.0.0.1', port: 9 }, nothing),
  closeSocket: (pal, handle) => pal.closeSocket(handle, nothing),
  resetSocket: (pal, handle) => pal.resetSocket(handle, nothing),
  cancel: (pal, handle) => pal.cancel(handle),
  watch: (pal, handle) => pal.watch(handle, { readable: true }, nothing),
  unwatch: (pal, handle) => pal.unwatch(handle),
  tryRead: (pal, handle) => pal.tryRead(handle, bytes()),
  tryWrite: (pal, handle) => pal.tryWrite(handle, bytes()),
  tryAccept: (pal, handle) => pal.tryAccept(handle),
  shutdown: (pal, handle) => pal.shutdown(handle, 'both'),
  setSocketOption: (pal, handle) => pal.setSocketOption(handle, 'NoDelay', true),
  getSocketOption: (pal, handle) => pal.getSocketOption(handle, 'NoDelay'),
  ref: (pal, handle) => pal.ref(handle),
  unref: (pal, handle) => pal.unref(handle),
  pauseAccept: (pal, handle) => pal.pauseAccept(handle),
  resumeAccept: (pal, handle) => pal.resumeAccept(handle),
  getLocalAddress: (pal, handle) => pal.getLocalAddress(handle),
  getLocalPort: (pal, handle) => pal.getLocalPort(handle),
  getRemoteAddress: (pal, handle) => pal.getRemoteAddress(handle),
  getRemotePort: (pal, handle) => pal.getRemotePort(handle),
  getQueuedBytes: (pal, handle) => pal.getQueuedBytes(handle),
  getProxyHeader: (pal, handle) => pal.getProxyHeader(handle),
  connectUdp: (pal, handle) => pal.connectUdp(handle, '127.0.0.1', 9),
  disconnectUdp: (pal, handle) => pal.disconnectUdp(handle),
  joinGroup: (pal, handle) => pal.joinGroup(handle, '239.1.1.1'),
  leaveGroup: (pal, handle) => pal.leaveGroup(handle, '239.1.1.1'),
  transfer: (pal, handle) => pal.transfer(handle),
  exportSocket: (pal, handle) => pal.exportSocket(handle, 1),
  'touch of an idle timeout': (pal, handle) => createIdleTimeout(pal, { ms: 1000 }).touch(handle),
  'touch of a header timeout': (pal, handle) => createHeaderTimeout(pal, { ms: 1000 }).touch(handle),
};

/** What is not about a handle. */
const WITHOUT_HANDLE = new Set<string>(
  `initialize runEventLoop stopEventLoop isRunning createServer asyncConnect createUdpSocket allocateBuffer stats inspect
   describe remote onRemotePost offRemotePost onConnection onRemoteError receiveTransfer importSocket importServer`.split(
    /\s+/,
  ),
);
/** Methods of our own class that are no part of the contract. */
const INTERNAL = new Set('find known requireGiven close listener established answerSoon refuseBytes'.split(' '));

onEveryBed('handles of another PAL', (bed) => {
  const first = testPal(bed);
  const second = testPal(bed);

  it('are refused by every call, and reach nobody', async () => {
    const [one, two] = [first.pal, second.pal];
    const mine = await pair(one);
    const theirs = await pair(two);
    const udp = one.createUdpSocket('127.0.0.1', 0);
    const handles = [mine.client, mine.served, mine.server.handle, udp.handle];
    const before = two.stats();
    for (const handle of handles) {
      for (const [name, call] of Object.entries(CALLS)) {
        const error = thrownBy(() => call(two, handle as never));
        expect(error, name).to.include({ code: 'ERR_FOREIGN_HANDLE', kind: NetworkErrorCode.ConnectionClosed });
        expect(error.message, name).to.match(/another PAL has given it out/);
      }
    }
    const { sockets, servers, pendingCallbacks, queuedBytes, freeSlots } = before;
    expect(two.stats()).to.include({ sockets, servers, pendingCallbacks, queuedBytes, freeSlots });
    expect(two.getRemotePort(theirs.client)).to.equal(theirs.server.port);
  });

  it('are refused also when they are closed', async () => {
    const [one, two] = [first.pal, second.pal];
    const { client } = await pair(one);
    await new Promise<void>((resolve) => one.closeSocket(client, resolve));
    expect(thrownBy(() => two.getQueuedBytes(client)).code).to.equal('ERR_FOREIGN_HANDLE');
    expect(thrownBy(() => two.asyncWrite(client, bytes(), nothing)).code).to.equal('ERR_FOREIGN_HANDLE');
  });

  it('are refused as names of operations', async () => {
    const [one, two] = [first.pal, second.pal];
    const { client } = await pair(one);
    const { served } = await pair(two);
    let outcome: string | undefined;
    const read = one.asyncRead(client, bytes(), 8, (error) => (outcome = error?.code));
    const other = two.asyncRead(served, bytes(), 8, () => undefined);
    expect(thrownBy(() => two.cancel(read)).code).to.equal('ERR_FOREIGN_HANDLE');
    expect(thrownBy(() => one.cancel(other)).code).to.equal('ERR_FOREIGN_HANDLE');
    expect(outcome).to.equal(undefined);
    expect(one.cancel(read)).to.equal(true);
    expect(two.cancel(other)).to.equal(true);
    await until(
      () => outcome === 'ECANCELED',
      () => 'the cancelled read',
      bed,
    );
  });

  it('cover the whole contract: each method takes a handle here, or is known to take none', () => {
    const { pal } = first;
    const methods = Object.keys(pal).filter((name) => !INTERNAL.has(name));
    for (const name of methods) expect(name in CALLS || WITHOUT_HANDLE.has(name), name).to.equal(true);
  });

  it('are refused as numbers of posts', () => {
    const [one, two] = [first.pal, second.pal];
    const post = one.onRemotePost(nothing);
    const other = two.onRemotePost(nothing);
    expect(post).to.not.equal(other);
    expect(thrownBy(() => two.offRemotePost(post)).code).to.equal('ERR_FOREIGN_HANDLE');
    one.offRemotePost(post);
    two.offRemotePost(other);
  });

  it('are refused by a RemoteLoop before anything is submitted', async function () {
    if (bed.name.startsWith('wsapoll')) this.skip();
    const [one, two] = [first.pal, second.pal];
    const { client } = await pair(one);
    const remote = openRemote(two.remote(), bed.oneProcess === undefined ? {} : platformOf(bed.oneProcess()));
    const post = one.onRemotePost(nothing);
    const records = two.stats().remoteRecords;
    for (const call of [() => remote.write(client, bytes()), () => remote.close(client), () => remote.post(post)]) {
      expect(thrownBy(call).code).to.equal('ERR_FOREIGN_HANDLE');
    }
    one.offRemotePost(post);
    expect(two.stats().remoteRecords).to.equal(records);
  });
});

function platformOf({ platform }: { platform?: unknown }): { platform: never } {
  return { platform: platform as never };
}
