/**
 * Tokens whose SOCKET is plausible and wrong: what the system knows of it is asked before it is taken over. Nothing is lost by a
 * refusal: neither the stranger's socket nor the connection of the token.
 */
import { expect } from 'chai';
import { SO_ACCEPTCONN, SOL_SOCKET, SOMAXCONN } from '../../../ffi/constants.ts';
import { WSAENOTSOCK } from '../../../ffi/wsa-errors.ts';
import { NetworkErrorCode, type Platform, type PalOptions, type TransferToken } from '../../../src/index.ts';
import { parseIpAddress } from '../../../src/pal/ip-address.ts';
import { Counters } from '../../../src/loop/counters.ts';
import { Scratch } from '../../../src/memory/scratch.ts';
import {
  bindSocket,
  discardSocket,
  getIntOption,
  openTcpSocket,
  openUdpSocket,
  type SocketParts,
} from '../../../src/sockets/sockets.ts';
import { windowsPlatform } from '../../../src/windows/windows-platform.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf, thrownBy } from '../../support/errors.ts';
import { accept, close, connect, pair, read, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';

/** A multiple of four, as handles are, far above all that are open. */
const NO_SOCKET = 0x7fff_fff0;

onEveryBed('a token that says what is not so', (bed) => {
  let options: PalOptions = {};
  const fixture = testPal(bed, () => (options = bed.oneProcess?.() ?? {}));
  const there = testPal(bed);
  /** What opens sockets behind the PAL's back. */
  let parts: SocketParts & { readonly scratch: Scratch };
  const opened: number[] = [];

  beforeEach(() => {
    const platform: Platform = options.platform ?? windowsPlatform();
    parts = { platform, counters: new Counters(), scratch: new Scratch(platform.memory) };
  });
  afterEach(() => {
    for (const socket of opened.splice(0)) discardSocket(parts, socket);
    parts.scratch.dispose();
  });

  const raw = (socket: number): number => {
    opened.push(socket);
    return socket;
  };
  const bound = (socket: number, address: string): number => {
    const parsed = parseIpAddress(address);
    if (parsed === null) throw new Error(address);
    bindSocket(parts, socket, parsed, 0);
    return raw(socket);
  };
  const listening = (): number => {
    const socket = bound(openTcpSocket(parts, 4), '127.0.0.1');
    expect(parts.platform.ws2_32.listen(socket, SOMAXCONN)).to.equal(0);
    return socket;
  };
  /** With shared memory of its own that says the same. */
  const forged = (token: TransferToken, changes: Partial<TransferToken>): TransferToken => {
    const made = { ...token, ...changes };
    const taken = new Int32Array(new SharedArrayBuffer(token.taken.byteLength));
    taken.set([0, made.socket | 0, Math.floor(made.socket / 2 ** 32)]);
    return { ...made, taken };
  };
  const isOpen = (socket: number): boolean => getIntOption(parts, socket, SOL_SOCKET, SO_ACCEPTCONN, 'getsockopt') >= 0;

  it('of another socket, of none, of a server, of UDP or of no connection is refused, and loses nothing', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal, { deferAssociation: true });
    const other = await pair(pal, { deferAssociation: true });
    const stranger = pal.transfer(other.served);
    const token = pal.transfer(served);
    const before = pal.stats().sockets;
    const wrong: readonly (readonly [string, number, string])[] = [
      ['a connection of somebody else', stranger.socket, "'peer' is wrong: it is connected to 127.0.0.1:"],
      ['a listening socket', listening(), "'socket' is wrong: it is a listening socket"],
      ['a UDP socket', bound(openUdpSocket(parts, 4), '127.0.0.1'), "'socket' is wrong: it is no TCP socket"],
      ['a new socket', raw(openTcpSocket(parts, 4)), "'socket' is wrong: it is not connected"],
      ['one that is bound to any address', bound(openTcpSocket(parts, 4), '0.0.0.0'), "'socket' is wrong: it is not"],
      ['one of the other family', raw(openTcpSocket(parts, 6)), "'family' is wrong: the socket is of IPv6"],
    ];
    for (const [what, socket, message] of wrong) {
      const error = thrownBy(() => pal.receiveTransfer(forged(token, { socket })));
      expect(error, what).to.include({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
      expect(error.message, what).to.contain(`Cannot receiveTransfer SOCKET ${socket}`).and.contain(message);
      expect(isOpen(socket), what).to.equal(true);
    }
    const none = thrownBy(() => pal.receiveTransfer(forged(token, { socket: NO_SOCKET })));
    expect(none).to.include({
      name: 'NetworkError',
      code: 'ENOTSOCK',
      systemErrorCode: WSAENOTSOCK,
      kind: NetworkErrorCode.ConnectionClosed,
    });
    const peer = { address: '127.0.0.1', port: 1, family: 4 } as const;
    for (const changes of [{ family: 6 }, { peer }] as const) {
      const error = thrownBy(() => pal.receiveTransfer(forged(token, changes)));
      expect(error).to.have.property('code', 'ERR_INVALID_ARG_VALUE');
      expect(error.message).to.contain(`'${String(Object.keys(changes)[0])}' is wrong`);
    }
    expect(pal.stats().sockets).to.equal(before);
    for (const [whole, peerOfIt] of [
      [token, client],
      [stranger, other.client],
    ] as const) {
      const received = pal.receiveTransfer(whole);
      await write(pal, peerOfIt, Buffer.from('whole'));
      expect((await readExactly(pal, received, 5)).toString()).to.equal('whole');
      await close(pal, received);
    }
  });

  it("of another SOCKET than its own memory is refused, also when it is another token's", async () => {
    const { pal } = fixture;
    const [one, other] = [await pair(pal, { deferAssociation: true }), await pair(pal, { deferAssociation: true })];
    const [token, stranger] = [pal.transfer(one.served), pal.transfer(other.served)];
    const { peer } = stranger;
    const error = thrownBy(() => pal.receiveTransfer({ ...token, socket: stranger.socket, peer }));
    expect(error).to.include({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).to.contain("'socket' is wrong");
    // What the system finds to be wrong leaves the token as good as before, too.
    expect(thrownBy(() => pal.receiveTransfer({ ...token, peer })).message).to.contain("'peer' is wrong");
    for (const whole of [token, stranger]) await close(pal, pal.receiveTransfer(whole));
  });

  it('that was changed after it was given out does not change what the stop takes back', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    const [client, { socket }] = await Promise.all([
      connect(there.pal, '127.0.0.1', server.port),
      accept(pal, server.handle),
    ]);
    const innocent = listening();
    Object.assign(pal.transfer(socket), { socket: innocent });
    const told = rejectionOf(read(there.pal, client));
    await pal.stopEventLoop();
    expect((await told).code).to.equal('ECONNRESET');
    expect(isOpen(innocent)).to.equal(true);
  });

  it('is none that was reset on its way: it is received, and its read ends', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    const [client, { socket }] = await Promise.all([
      connect(pal, '127.0.0.1', server.port),
      accept(pal, server.handle),
    ]);
    const token = pal.transfer(socket);
    await new Promise<void>((resolve) => pal.resetSocket(client, resolve));
    const received = pal.receiveTransfer(token);
    // Wine may have told itself of the reset before there was a read to tell, which then gets the end of the stream.
    const outcome = await read(pal, received).then(
      (bytes) => `${bytes.length} bytes`,
      (failure: unknown) => (failure as { code: string }).code,
    );
    expect(outcome).to.be.oneOf(['ECONNRESET', '0 bytes']);
  });
});
