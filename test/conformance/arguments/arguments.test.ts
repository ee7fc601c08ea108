/** Bad input: each mistake has its own code, a message that says what to do, and leaves nothing behind. */
import { expect } from 'chai';
import { NetworkError, NetworkErrorCode, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { pair, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';

const never = (): void => expect.fail('a refused call must not call back');
/** A value of the wrong type, past the type checker. */
const wrong = (value: unknown): never => value as never;

function detached(): Uint8Array {
  const buffer = new Uint8Array(10);
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
  return buffer;
}

interface Row {
  readonly what: string;
  readonly call: (pal: NetworkPal, socket: SocketHandle) => unknown;
  readonly class: typeof TypeError | typeof RangeError | typeof NetworkError;
  readonly code: string;
  readonly message: RegExp;
}

const badPorts = [-1, 65536, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '80', null, undefined, {}];
const names = ['localhost', 'example.com'];
const badAddresses = ['', '1.2.3', '1.2.3.256', '1.2.3.4:80', '[::1]', 'fe80::1%eth0'];
const badAddress = { class: NetworkError, code: 'ERR_INVALID_IP_ADDRESS', message: /IPv4 or IPv6 address, as text/ };

const rows: Row[] = [
  ...badAddresses.map((address): Row => ({
    what: `asyncConnect to '${address}'`,
    call: (pal) => pal.asyncConnect(address, 1, {}, never),
    ...badAddress,
  })),
  ...[...names, ...badAddresses].map((address): Row => ({
    what: `asyncConnect from '${address}'`,
    call: (pal) => pal.asyncConnect('127.0.0.1', 1, { localAddress: address }, never),
    ...badAddress,
  })),
  ...['localhost:80', '.localhost', ...badAddresses].map((address): Row => ({
    what: `createServer on '${address}'`,
    call: (pal) => pal.createServer(address, 0),
    ...badAddress,
  })),
  ...['example.com', 'localhost.example', 'alocalhost'].map((address): Row => ({
    what: `createServer on '${address}'`,
    call: (pal) => pal.createServer(address, 0),
    ...badAddress,
    message: /IPv4 or IPv6 address, as text\. Resolve the name first, with dns\.lookup\(\)/,
  })),
  {
    what: 'asyncConnect to an interface by its name',
    call: (pal) => pal.asyncConnect('fe80::1%eth0', 1, {}, never),
    ...badAddress,
    message: /zone 'eth0' must be the number of an interface/,
  },
  {
    what: 'asyncConnect with family 4 to IPv6',
    call: (pal) => pal.asyncConnect('::1', 1, { family: 4 }, never),
    ...badAddress,
    message: /with family 4: it is an IPv6 address\. Leave family out/,
  },
  {
    what: 'asyncConnect by name with family 6 from IPv4',
    call: (pal) => pal.asyncConnect('host.test', 1, { family: 6, localAddress: '127.0.0.1' }, never),
    ...badAddress,
    message: /from an IPv4 address: one is IPv4, the other IPv6\. Take a localAddress of the same family/,
  },
  ...[5, '4', null].map((family): Row => ({
    what: `asyncConnect with family ${describeValue(family)}`,
    call: (pal) => pal.asyncConnect('host.test', 1, { family: wrong(family) }, never),
    class: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /family: it must be 4, 6, or 0 for both, and is /,
  })),
  {
    what: 'asyncConnect with an onAttempt that is no function',
    call: (pal) => pal.asyncConnect('host.test', 1, { onAttempt: wrong(7) }, never),
    class: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message: /onAttempt/,
  },
  ...[9, 2001, 20.5, Number.NaN].map((attemptDelay): Row => ({
    what: `asyncConnect with an attemptDelay of ${attemptDelay}`,
    call: (pal) => pal.asyncConnect('host.test', 1, { attemptDelay }, never),
    class: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /attemptDelay .* it must be an integer from 10 to 2000/,
  })),
  {
    what: 'asyncConnect with a lookup that is none',
    call: (pal) => pal.asyncConnect('host.test', 1, { lookup: wrong('dns') }, never),
    class: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message: /lookup: it must be a function/,
  },
  {
    what: 'asyncConnect from IPv4 to IPv6',
    call: (pal) => pal.asyncConnect('::1', 1, { localAddress: '127.0.0.1' }, never),
    class: NetworkError,
    code: 'ERR_INVALID_IP_ADDRESS',
    message: /from an IPv4 address: one is IPv4, the other IPv6\. Take a localAddress of the same family/,
  },
  ...[undefined, null, 127, {}].map((address): Row => ({
    what: `createServer on ${describeValue(address)}`,
    call: (pal) => pal.createServer(wrong(address), 0),
    class: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message: /address: it must be a string/,
  })),
  ...badPorts.map((port): Row => ({
    what: `createServer on port ${describeValue(port)}`,
    call: (pal) => pal.createServer('127.0.0.1', wrong(port)),
    class: RangeError,
    code: 'ERR_SOCKET_BAD_PORT',
    message: /it must be an integer from 0 to 65535/,
  })),
  ...badPorts.map((port): Row => ({
    what: `asyncConnect to port ${describeValue(port)}`,
    call: (pal) => pal.asyncConnect('127.0.0.1', wrong(port), {}, never),
    class: RangeError,
    code: 'ERR_SOCKET_BAD_PORT',
    message: /it must be an integer from 0 to 65535/,
  })),
  {
    what: 'asyncConnect from port 65536',
    call: (pal) => pal.asyncConnect('127.0.0.1', 1, { localPort: 65536 }, never),
    class: RangeError,
    code: 'ERR_SOCKET_BAD_PORT',
    message: /from 0 to 65535/,
  },
  ...[0, -1, 1.5, Number.NaN, 2 ** 31].map((timeout): Row => ({
    what: `asyncConnect with a timeout of ${timeout}`,
    call: (pal) => pal.asyncConnect('127.0.0.1', 1, { timeout }, never),
    class: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /timeout .* it must be an integer from 1 to/,
  })),
  ...[0, -1, 11, 1.5, Number.NaN].map((maxBytes): Row => ({
    what: `asyncRead of ${maxBytes} into 10 bytes`,
    call: (pal, socket) => pal.asyncRead(socket, new Uint8Array(10), maxBytes, never),
    class: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /maxBytes .* it must be an integer from 1 to 10/,
  })),
  ...['10', undefined, null].map((maxBytes): Row => ({
    what: `asyncRead of ${JSON.stringify(maxBytes)}`,
    call: (pal, socket) => pal.asyncRead(socket, new Uint8Array(10), wrong(maxBytes), never),
    class: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message: /maxBytes: it must be a number/,
  })),
  {
    what: 'asyncRead into an empty buffer',
    call: (pal, socket) => pal.asyncRead(socket, new Uint8Array(0), 1, never),
    class: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /buffer: it has 0 bytes, where at least 1 is needed/,
  },
  {
    what: 'asyncRead into a detached buffer',
    call: (pal, socket) => pal.asyncRead(socket, detached(), 1, never),
    class: TypeError,
    code: 'ERR_BUFFER_DETACHED',
    message: /its ArrayBuffer was detached \(transferred\)\. Pass a buffer that still has its memory/,
  },
  ...[undefined, null, 'text', {}, [], new ArrayBuffer(4), new Uint16Array(2), [1, 2]].map((buffer): Row => ({
    what: `asyncRead into ${describeValue(buffer)}`,
    call: (pal, socket) => pal.asyncRead(socket, wrong(buffer), 1, never),
    class: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message: /buffer: it must be a Buffer or Uint8Array, and is/,
  })),
  ...[undefined, null, 'text', {}, new ArrayBuffer(4), new Uint16Array(2), ['a'], [new Uint8Array(1), null]].map(
    (data): Row => ({
      what: `asyncWrite of ${describeValue(data)}`,
      call: (pal, socket) => pal.asyncWrite(socket, wrong(data), never),
      class: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
      message: /data: it must be a Buffer or Uint8Array, or an array of them/,
    }),
  ),
  ...[detached(), [detached()], [new Uint8Array(1), detached()]].map((data, index): Row => ({
    what: `asyncWrite of a detached buffer (${index})`,
    call: (pal, socket) => pal.asyncWrite(socket, data, never),
    class: TypeError,
    code: 'ERR_BUFFER_DETACHED',
    message: /its ArrayBuffer was detached \(transferred\)\. Pass a buffer that still has its memory/,
  })),
  ...[-1, 0.5, NaN, Infinity].map((mark): Row => ({
    what: `asyncDrain to ${mark} bytes`,
    call: (pal, socket) => pal.asyncDrain(socket, mark, never),
    class: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /lowWaterMark/,
  })),
  ...[undefined, null, 'text', {}].flatMap((callback): Row[] => {
    const common = { class: TypeError, code: 'ERR_INVALID_ARG_TYPE', message: /callback: it must be a function/ };
    const calls: Record<string, Row['call']> = {
      asyncRead: (pal, socket) => pal.asyncRead(socket, new Uint8Array(1), 1, wrong(callback)),
      asyncReadView: (pal, socket) => pal.asyncReadView(socket, wrong(callback)),
      asyncDrain: (pal, socket) => pal.asyncDrain(socket, 0, wrong(callback)),
      asyncWrite: (pal, socket) => pal.asyncWrite(socket, new Uint8Array(1), wrong(callback)),
      asyncConnect: (pal) => pal.asyncConnect('127.0.0.1', 1, {}, wrong(callback)),
      ...(callback === undefined ? {} : { closeSocket: (pal, socket) => pal.closeSocket(socket, {}, wrong(callback)) }),
    };
    return Object.entries(calls).map(([name, call]) => ({
      what: `${name} with callback ${describeValue(callback)}`,
      call,
      ...common,
    }));
  }),
  ...['sned', 2, undefined].map((how): Row => ({
    what: `shutdown of ${String(how)}`,
    call: (pal, socket) => pal.shutdown(socket, wrong(how)),
    class: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /how: it must be one of 'send', 'receive', 'both'/,
  })),
  ...[0, -1, 1.5, 2 ** 30 + 1].map((size): Row => ({
    what: `allocateBuffer of ${size}`,
    call: (pal) => pal.allocateBuffer(size),
    class: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /size .* it must be an integer from 1 to 1073741824/,
  })),
];

function describeValue(value: unknown): string {
  if (value !== null && typeof value === 'object') return value.constructor.name + JSON.stringify(value);
  return String(value);
}

onEveryBed('bad input', (bed) => {
  const fixture = testPal(bed);

  it(`${rows.length} calls are refused, each with its code and its advice, and leave nothing behind`, async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const state = () => {
      const { sockets, servers, freeSlots, pendingCallbacks, queuedBytes, pinnedBytes } = pal.stats();
      return { sockets, servers, freeSlots, pendingCallbacks, queuedBytes, pinnedBytes };
    };
    const before = state();
    for (const { what, call, class: ErrorClass, code, message } of rows) {
      const error = thrownBy(() => call(pal, client));
      expect(error, what).to.be.instanceOf(ErrorClass);
      expect(error.code, what).to.equal(code);
      expect(error.message, what).to.match(message);
      if (error instanceof NetworkError) expect(error.kind, what).to.equal(NetworkErrorCode.InvalidAddress);
      expect(state(), what).to.deep.equal(before);
    }
    // The connection is as good as before.
    await write(pal, client, new Uint8Array([7]));
    expect([...(await readExactly(pal, served, 1))]).to.deep.equal([7]);
  });

  it('asyncAccept without a callback is refused', () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const error = thrownBy(() => pal.asyncAccept(server.handle, wrong(undefined)));
    expect(error.code).to.equal('ERR_INVALID_ARG_TYPE');
  });
});

onEveryBed('options of createNetworkPal', (bed) => {
  for (const [option, value, code] of [
    ['waiter', 'thread', 'ERR_INVALID_ARG_VALUE'],
    ['waiter', 5, 'ERR_INVALID_ARG_VALUE'],
    ['closeGraceMs', -1, 'ERR_OUT_OF_RANGE'],
    ['closeGraceMs', 2 ** 31, 'ERR_OUT_OF_RANGE'],
    ['maxOperations', 15, 'ERR_OUT_OF_RANGE'],
    ['maxOperations', 2 ** 20 + 1, 'ERR_OUT_OF_RANGE'],
    ['maxOperations', '64', 'ERR_INVALID_ARG_TYPE'],
    ['maxQueuedBytesPerSocket', 65535, 'ERR_OUT_OF_RANGE'],
    ['maxQueuedBytesPerSocket', Number.NaN, 'ERR_OUT_OF_RANGE'],
    ['maxQueuedBytes', 65535, 'ERR_OUT_OF_RANGE'],
    ['maxQueuedBytes', '1 GiB', 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    it(`${option}: ${String(value)} is refused at once`, () => {
      const error = thrownBy(() => bed.create({ [option]: value }));
      expect(error.code).to.equal(code);
      expect(error.message).to.include(option);
    });
  }

  it('undefined means the default', () => {
    expect(() => bed.create({ closeGraceMs: wrong(undefined) })).to.not.throw();
  });
});
