/** Bad input to the calls on UDP sockets: each mistake has its own code, says what to do, and leaves nothing behind. */
import { expect } from 'chai';
import {
  NetworkError,
  type NetworkPal,
  type ServerHandle,
  type SocketHandle,
  type UdpHandle,
} from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { receive, send } from '../../support/udp.ts';
import { underWine } from '../../support/wine.ts';

const never = (): void => expect.fail('a refused call must not call back');
const wrong = (value: unknown): never => value as never;
const to = { address: '127.0.0.1', port: 9 };

function detached(): Uint8Array {
  const buffer = new Uint8Array(10);
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
  return buffer;
}

type Row = [
  what: string,
  call: (pal: NetworkPal, v4: UdpHandle, v6: UdpHandle) => unknown,
  code: string,
  message: RegExp,
];

const create = (options: object) => (pal: NetworkPal) => pal.createUdpSocket('127.0.0.1', 0, options);
const sendTo = (destination: unknown) => (pal: NetworkPal, v4: UdpHandle) =>
  pal.asyncSendTo(v4, new Uint8Array(1), wrong(destination), never);

const rows: Row[] = [
  ['no address', (pal) => pal.createUdpSocket('localhost', 0), 'ERR_INVALID_IP_ADDRESS', /IPv4 or IPv6 address/],
  ['address 5', (pal) => pal.createUdpSocket(wrong(5), 0), 'ERR_INVALID_ARG_TYPE', /must be a string/],
  ['port 65536', (pal) => pal.createUdpSocket('127.0.0.1', 65536), 'ERR_SOCKET_BAD_PORT', /from 0 to 65535/],
  ['reuseAddr and exclusive', create({ reuseAddr: true, exclusive: true }), 'ERR_INVALID_ARG_VALUE', /Choose one/],
  ['ipv6Only on IPv4', create({ ipv6Only: true }), 'ERR_INVALID_ARG_VALUE', /bind to ::/],
  ['receiveDepth 0', create({ receiveDepth: 0 }), 'ERR_OUT_OF_RANGE', /receiveDepth 0: .* from 1 to 256/],
  ['receiveDepth 257', create({ receiveDepth: 257 }), 'ERR_OUT_OF_RANGE', /receiveDepth/],
  ['maxDatagramSize 0', create({ maxDatagramSize: 0 }), 'ERR_OUT_OF_RANGE', /maxDatagramSize 0: .* from 1 to 65536/],
  ['maxDatagramSize 65537', create({ maxDatagramSize: 65537 }), 'ERR_OUT_OF_RANGE', /maxDatagramSize/],
  ['maxQueuedReceiveBytes -1', create({ maxQueuedReceiveBytes: -1 }), 'ERR_OUT_OF_RANGE', /maxQueuedReceiveBytes/],
  ['dropWhenFull all', create({ dropWhenFull: 'all' }), 'ERR_INVALID_ARG_VALUE', /'newest', 'oldest'/],
  ['receiveBufferSize ten', create({ receiveBufferSize: '10' }), 'ERR_INVALID_ARG_TYPE', /receiveBufferSize/],

  ['no buffer', (pal, s) => pal.asyncReceiveFrom(s, wrong('x'), 1, never), 'ERR_INVALID_ARG_TYPE', /buffer/],
  [
    'an empty buffer',
    (pal, s) => pal.asyncReceiveFrom(s, new Uint8Array(0), 1, never),
    'ERR_INVALID_ARG_VALUE',
    /0 bytes/,
  ],
  ['a detached buffer', (pal, s) => pal.asyncReceiveFrom(s, detached(), 1, never), 'ERR_BUFFER_DETACHED', /detached/],
  ['maxBytes 0', (pal, s) => pal.asyncReceiveFrom(s, new Uint8Array(9), 0, never), 'ERR_OUT_OF_RANGE', /from 1 to 9/],
  ['maxBytes 10', (pal, s) => pal.asyncReceiveFrom(s, new Uint8Array(9), 10, never), 'ERR_OUT_OF_RANGE', /from 1 to 9/],
  [
    'no callback',
    (pal, s) => pal.asyncReceiveFrom(s, new Uint8Array(9), 9, wrong(7)),
    'ERR_INVALID_ARG_TYPE',
    /callback/,
  ],

  ['no data', (pal, s) => pal.asyncSendTo(s, wrong('text'), to, never), 'ERR_INVALID_ARG_TYPE', /data/],
  ['no data in a list', (pal, s) => pal.asyncSendTo(s, [wrong(null)], to, never), 'ERR_INVALID_ARG_TYPE', /data/],
  ['detached data', (pal, s) => pal.asyncSendTo(s, detached(), to, never), 'ERR_BUFFER_DETACHED', /detached/],
  [
    'detached data in a list',
    (pal, s) => pal.asyncSendTo(s, [new Uint8Array(1), detached()], to, never),
    'ERR_BUFFER_DETACHED',
    /detached/,
  ],
  [
    '65508 bytes',
    (pal, s) => pal.asyncSendTo(s, new Uint8Array(65508), to, never),
    'ERR_OUT_OF_RANGE',
    /at most 65507/,
  ],
  [
    '65528 bytes over IPv6',
    (pal, _v4, v6) => pal.asyncSendTo(v6, new Uint8Array(65528), { address: '::1', port: 9 }, never),
    'ERR_OUT_OF_RANGE',
    /at most 65527/,
  ],
  [
    'a send without a callback',
    (pal, s) => pal.asyncSendTo(s, new Uint8Array(1), to, wrong(null)),
    'ERR_INVALID_ARG_TYPE',
    /callback/,
  ],
  ['to a name', sendTo({ address: 'localhost', port: 9 }), 'ERR_INVALID_IP_ADDRESS', /IPv4 or IPv6/],
  ['to no address', sendTo({ port: 9 }), 'ERR_INVALID_ARG_TYPE', /address/],
  ['to text', sendTo('127.0.0.1'), 'ERR_INVALID_ARG_TYPE', /\{ address, port \} or null/],
  ['to undefined', sendTo(undefined), 'ERR_INVALID_ARG_TYPE', /\{ address, port \} or null/],
  ['to port 0', sendTo({ address: '127.0.0.1', port: 0 }), 'ERR_SOCKET_BAD_PORT', /from 1 to 65535/],
  ['to IPv6 from IPv4', sendTo({ address: '::1', port: 9 }), 'ERR_INVALID_IP_ADDRESS', /on an IPv4 socket/],
  [
    'to IPv4 from IPv6',
    (pal, _v4, v6) => pal.asyncSendTo(v6, new Uint8Array(1), to, never),
    'ERR_INVALID_IP_ADDRESS',
    /::ffff:127\.0\.0\.1/,
  ],
  [
    'connected to IPv6 from IPv4',
    (pal, s) => pal.connectUdp(s, '::1', 9),
    'ERR_INVALID_IP_ADDRESS',
    /on an IPv4 socket/,
  ],
  ['connected to port 0', (pal, s) => pal.connectUdp(s, '127.0.0.1', 0), 'ERR_SOCKET_BAD_PORT', /from 1 to/],
];

onEveryBed('udp, bad input', (bed) => {
  const fixture = testPal(bed);

  it(`${rows.length} calls are refused, each with its code and its advice, and leave nothing behind`, async () => {
    const { pal } = fixture;
    const v4 = pal.createUdpSocket('127.0.0.1', 0);
    const v6 = pal.createUdpSocket('::1', 0);
    const state = () => {
      const { sockets, freeSlots, pendingCallbacks, queuedBytes, pinnedBytes } = pal.stats();
      return { sockets, freeSlots, pendingCallbacks, queuedBytes, pinnedBytes };
    };
    const before = state();
    for (const [what, call, code, message] of rows) {
      const error = thrownBy(() => call(pal, v4.handle, v6.handle));
      expect(error.code, what).to.equal(code);
      expect(error.message, what).to.match(message);
      expect(error instanceof TypeError || error instanceof RangeError || error instanceof NetworkError).to.equal(true);
      expect(state(), what).to.deep.equal(before);
    }
    // The sockets are as good as before.
    const received = receive(pal, v4.handle);
    await send(pal, v4.handle, 'to myself', v4);
    expect((await received).peer?.port).to.equal(v4.port);
  });

  it("an address that is nobody's is refused", () => {
    const { pal } = fixture;
    let outcome = 'bound';
    try {
      pal.createUdpSocket('192.0.2.77', 0);
    } catch (error) {
      expect((error as NetworkError).message).to.contain('192.0.2.77');
      outcome = (error as NetworkError).code;
    }
    // Wine 8 binds a UDP socket to any address.
    expect(outcome).to.be.oneOf(underWine ? ['EADDRNOTAVAIL', 'bound'] : ['EADDRNOTAVAIL']);
  });

  it('handles of one kind are refused by the calls of another', () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const server = pal.createServer('127.0.0.1', 0).handle;
    const stream = handle as unknown as SocketHandle;
    const bytes = new Uint8Array(1);
    const calls: (() => unknown)[] = [
      () => pal.asyncRead(stream, bytes, 1, never),
      () => pal.asyncWrite(stream, bytes, never),
      () => pal.asyncAccept(handle as unknown as ServerHandle, never),
      () => pal.shutdown(stream, 'send'),
      () => pal.resetSocket(stream),
      () => pal.tryRead(stream, bytes),
      () => pal.tryWrite(stream, bytes),
      () => pal.watch(handle, { readable: true }, never),
      () => pal.exportSocket(handle, 4),
    ];
    for (const call of calls) {
      const error = thrownBy(call);
      expect(error.code, String(call)).to.equal('ERR_INVALID_HANDLE_KIND');
      expect(error.message).to.include('it is a UDP socket');
    }
    const udp = server as unknown as UdpHandle;
    for (const call of [
      () => pal.asyncReceiveFrom(udp, bytes, 1, never),
      () => pal.asyncSendTo(udp, bytes, to, never),
      () => pal.connectUdp(udp, '127.0.0.1', 9),
      () => pal.disconnectUdp(udp),
      () => pal.joinGroup(udp, '239.1.2.3'),
      () => pal.leaveGroup(udp, '239.1.2.3'),
    ]) {
      const error = thrownBy(call);
      expect(error.code, String(call)).to.equal('ERR_INVALID_HANDLE_KIND');
      expect(error.message).to.match(/it is a server\. Pass one that came from createUdpSocket/);
    }
  });

  it('while the loop stops, receives and sends are answered, and a socket cannot be made', async () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const stopped = pal.stopEventLoop();
    const codes: (string | undefined)[] = [];
    const note = (error: { code: string } | null): unknown => codes.push(error?.code);
    pal.asyncReceiveFrom(handle, new Uint8Array(1), 1, note);
    pal.asyncSendTo(handle, new Uint8Array(1), to, note);
    expect(thrownBy(() => pal.createUdpSocket('127.0.0.1', 0)).code).to.equal('ERR_EVENT_LOOP_STOPPED');
    await stopped;
    expect(codes).to.deep.equal(['ECANCELED', 'ECANCELED']);
  });
});
