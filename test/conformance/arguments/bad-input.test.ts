/**
 * Bad input, generated: every call with every kind of value in the place of each of its parameters and options. What is refused is
 * refused with a code and loses nothing; what an option answers is asked once.
 */
import { expect } from 'chai';
import { runInNewContext } from 'node:vm';
import {
  createHeaderTimeout,
  createIdleTimeout,
  createNetworkPal,
  openRemote,
  type NetworkPal,
  type PalOptions,
  type RemoteLoop,
  type RemoteOptions,
  type RemoteToken,
} from '../../../src/index.ts';
import { SERVER_OPTIONS, UDP_OPTIONS } from '../../../src/util/read-options.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { pair, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';

const thrown = new Error('thrown by a getter');
const nothing = (): undefined => undefined;

const PROXY = new Proxy(Buffer.alloc(4), {});

/** Values that are hardly ever right. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  '7007',
  '',
  '\0',
  7007n,
  NaN,
  -0,
  -1,
  1.5,
  Infinity,
  2 ** 53,
  Symbol('s'),
  {},
  [],
  [1],
  nothing,
  PROXY,
  new Proxy({}, { get: () => Symbol('trap') }),
  {
    get kind(): never {
      throw thrown;
    },
    get timeout(): never {
      throw thrown;
    },
    get backlog(): never {
      throw thrown;
    },
  },
  Object.create(null),
];

/** A Proxy of a Buffer answers the question for its `length` with this, as any caller's own getter might. */
const isGettersOwn = (error: unknown, value: unknown): boolean =>
  error === thrown || (value === PROXY && String(error).includes('Method get TypedArray'));

type Call = (...args: unknown[]) => unknown;

/** What is called without arguments, so that there is no bad input for it. */
type WithoutArguments =
  'initialize' | 'isRunning' | 'runEventLoop' | 'stopEventLoop' | 'remote' | 'stats' | 'inspect' | 'describe';
/** A call that is new is missing here until it has its arguments. */
type Calls = Readonly<Record<Exclude<keyof NetworkPal, WithoutArguments>, readonly unknown[]>>;
type RemoteCalls = Readonly<Record<Exclude<keyof RemoteLoop, 'isOpen' | 'maxBytes' | 'stop'>, readonly unknown[]>>;

/** Calls with each of the values in each place. Returns what was refused without a code. */
function uncodedRefusals(
  name: string,
  args: readonly unknown[],
  call: Call,
  skip: (place: number) => boolean,
): string[] {
  const uncoded: string[] = [];
  args.forEach((right, place) => {
    if (skip(place)) return;
    VALUES.forEach((value, index) => {
      const given = [...args];
      given[place] = value;
      try {
        call(...given);
      } catch (error) {
        if (isGettersOwn(error, value) || typeof (error as { code?: unknown }).code === 'string') return;
        uncoded.push(`${name}, argument ${place}, value ${index} instead of ${typeof right}: ${String(error)}`);
      }
    });
  });
  return uncoded;
}

/** What other threads open the loop with; null where it has no port that they could wake. */
function tokenOf(pal: NetworkPal): RemoteToken | null {
  try {
    return pal.remote();
  } catch (error) {
    expect(error).to.have.property('code', 'ERR_NOT_SUPPORTED');
    return null;
  }
}

/** These would do what they are asked for, to the sockets that the rest of the test uses. */
const SPARED: readonly string[] = ['closeSocket', 'resetSocket', 'shutdown', 'transfer', 'exportSocket', 'watch'];

onEveryBed('bad input', (bed) => {
  let system: PalOptions = {};
  const fixture = testPal(bed, () => (system = bed.oneProcess?.() ?? {}));

  /** Each call with arguments that are right, of which one at a time is replaced. */
  function calls(socket: number, server: number, udp: number): Calls {
    // Nobody listens on port 1; no name is looked up.
    const lookup = (_host: string, _options: object, done: (error: Error) => void): void => done(thrown);
    return {
      asyncConnect: ['127.0.0.1', 1, { lookup }, nothing],
      createServer: ['127.0.0.1', 0, {}],
      asyncAccept: [server, {}, nothing],
      asyncRead: [socket, Buffer.alloc(4), 4, {}, nothing],
      asyncReadView: [socket, {}, nothing],
      asyncDrain: [socket, 4, {}, nothing],
      asyncWrite: [socket, Buffer.alloc(4), {}, nothing],
      asyncSendFile: [socket, 'no such file', {}, nothing],
      cancel: [-1, {}],
      shutdown: [socket, 'send'],
      closeSocket: [socket, nothing],
      resetSocket: [socket, nothing],
      setSocketOption: [socket, 'NoDelay', true],
      getSocketOption: [socket, 'NoDelay'],
      getLocalAddress: [socket],
      getLocalPort: [socket],
      getRemoteAddress: [socket],
      getRemotePort: [socket],
      getQueuedBytes: [socket],
      getProxyHeader: [socket],
      ref: [socket],
      unref: [socket],
      watch: [socket, { readable: true }, nothing],
      unwatch: [socket],
      tryRead: [socket, Buffer.alloc(4)],
      tryWrite: [socket, Buffer.alloc(4)],
      tryAccept: [server],
      pauseAccept: [server],
      resumeAccept: [server],
      createUdpSocket: ['127.0.0.1', 0, {}],
      asyncReceiveFrom: [udp, Buffer.alloc(4), 4, {}, nothing],
      asyncReceiveBatch: [udp, {}, nothing],
      asyncSendTo: [udp, Buffer.alloc(4), { address: '127.0.0.1', port: 9 }, {}, nothing],
      trySendTo: [udp, Buffer.alloc(4), { address: '127.0.0.1', port: 9 }],
      trySendMany: [udp, [{ data: Buffer.alloc(4), to: { address: '127.0.0.1', port: 9 } }]],
      connectUdp: [udp, '127.0.0.1', 9],
      disconnectUdp: [udp],
      joinGroup: [udp, '239.1.2.3', {}],
      leaveGroup: [udp, '239.1.2.3', {}],
      allocateBuffer: [1],
      onRemotePost: [nothing],
      offRemotePost: [0],
      onConnection: [nothing],
      onRemoteError: [nothing],
      transfer: [socket],
      receiveTransfer: [{}],
      exportSocket: [socket, 1],
      importSocket: [{}],
      importServer: [{}, {}],
    };
  }

  it('is refused with a code, and the PAL goes on', async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    const udp = pal.createUdpSocket('127.0.0.1', 0).handle;
    const uncoded: string[] = [];
    for (const [name, args] of Object.entries(calls(client, server.handle, udp))) {
      const call = (pal as unknown as Record<string, Call>)[name]?.bind(pal);
      if (call === undefined) throw new Error(`There is no call ${name}`);
      uncoded.push(...uncodedRefusals(name, args, call, (place) => place > 0 && SPARED.includes(name)));
    }
    for (const place of [1, 2]) {
      for (const value of VALUES.filter((one) => typeof one !== 'function')) {
        const given: unknown[] = [client, { readable: true }, nothing];
        given[place] = value;
        expect(() => (pal.watch as Call)(...given), `watch, argument ${place}`).to.throw();
      }
    }
    expect(uncoded.join('\n')).to.equal('');
    pal.onConnection(null);
    pal.onRemoteError(null);
    pal.unwatch(client);
    pal.unwatch(served);
    for (const socket of [client, served]) await new Promise<void>((done) => pal.closeSocket(socket, done));
    const again = await pair(pal);
    await write(pal, again.client, Buffer.from('still there'));
    expect((await readExactly(pal, again.served, 11)).toString()).to.equal('still there');
  });

  it("of another thread's calls is refused with a code, and the loop goes on", async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const options = (system.platform === undefined ? {} : { platform: system.platform }) as RemoteOptions;
    const token = tokenOf(pal);
    const given = [token ?? {}, options];
    const uncoded = uncodedRefusals('openRemote', given, openRemote as Call, () => false);
    if (token !== null) {
      const loop = openRemote(token, options);
      const post = pal.onRemotePost(nothing);
      const remoteCalls: RemoteCalls = {
        write: [client, Buffer.from('x')],
        close: [served],
        post: [post, Buffer.from('x')],
      };
      for (const [name, args] of Object.entries(remoteCalls)) {
        const call = (loop as unknown as Record<string, Call>)[name]?.bind(loop);
        if (call === undefined) throw new Error(`There is no call ${name}`);
        uncoded.push(...uncodedRefusals(name, args, call, () => false));
      }
      loop.write(client, Buffer.from('still there'));
      expect((await readExactly(pal, served, 11)).toString()).to.equal('still there');
      expect(() => loop.write(client, 'text' as never)).to.throw(TypeError, "is the string 'text'");
      pal.offRemotePost(post);
    }
    expect(uncoded.join('\n')).to.equal('');
  });

  it('in an option inside an option is reported under the names of both', () => {
    const { pal } = fixture;
    const server = (options: object): unknown => pal.createServer('127.0.0.1', 0, options);
    const message = (call: () => unknown): string => {
      const error = thrownBy(call);
      expect(error.code).to.be.a('string');
      return error.message;
    };
    expect(message(() => server({ acceptDepth: null }))).to.contain('Cannot use acceptDepth: it must be');
    expect(message(() => server({ acceptDepth: { min: 'x' } }))).to.contain(
      "acceptDepth.min: it must be a number, and is the string 'x'",
    );
    expect(message(() => server({ spread: 5 }))).to.equal('Cannot use spread: it must be an object, and is 5');
    expect(message(() => server({ spread: { loops: 7 } })))
      .to.contain('spread.loops')
      .and.contain('and is 7');
    expect(message(() => server({ spread: { loops: [{}] } }))).to.contain('spread.loops[0] {}');
    expect(message(() => server({ spread: { loops: [{}], policy: 1 } }))).to.contain('spread.policy');
    expect(message(() => server({ onLimit: 'x' }))).to.contain("onLimit: it must be a function, and is the string 'x'");
    const { handle } = pal.createServer('127.0.0.1', 0);
    expect(message(() => pal.watch(handle, { readable: 1 as never }, nothing))).to.contain('interest.readable');
    expect(message(() => pal.watch(handle, 7 as never, nothing))).to.contain('and is 7');
    expect(message(() => pal.watch(handle, {}, nothing))).to.contain('and is {}');
    const connect = (options: object): unknown => pal.asyncConnect('127.0.0.1', 1, options, nothing);
    expect(message(() => connect({ lookup: 'x' }))).to.contain("lookup: it must be a function, and is the string 'x'");
    expect(message(() => connect({ family: '4' }))).to.contain("and is the string '4'");
  });

  it('in a destination is shown', () => {
    const { pal } = fixture;
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    for (const [to, shown] of [
      ['127.0.0.1:7', "the string '127.0.0.1:7'"],
      [7, '7'],
      [undefined, 'undefined'],
      [['127.0.0.1', 7], "[ '127.0.0.1', 7 ]"],
    ] as const) {
      const error = thrownBy(() => pal.asyncSendTo(handle, Buffer.from('x'), to as never, nothing));
      expect(error.code).to.equal('ERR_INVALID_ARG_TYPE');
      expect(error.message).to.contain(`it must be { address, port } or null, and is ${shown}`);
    }
    const part = (to: object): string =>
      thrownBy(() => pal.asyncSendTo(handle, Buffer.from('x'), to as never, nothing)).message;
    expect(part({ address: 7, port: 7 })).to.contain('address: it must be a string, and is 7');
    expect(part({ address: '127.0.0.1', port: '7' })).to.contain("and is the string '7'");
  });

  it('of options that are to be booleans shows what was given', () => {
    const { pal } = fixture;
    for (const [names, create] of [
      [SERVER_OPTIONS, (options: object) => pal.createServer('127.0.0.1', 0, options)],
      [UDP_OPTIONS, (options: object) => pal.createUdpSocket('127.0.0.1', 0, options)],
    ] as const) {
      for (const [name, isBoolean] of Object.entries(names)) {
        if (!isBoolean) continue;
        expect(() => create({ [name]: 'false' }), name)
          .to.throw(TypeError, `Cannot use ${name}: it must be true or false, and is the string 'false'`)
          .with.property('code', 'ERR_INVALID_ARG_TYPE');
      }
    }
  });

  it('of a port says that it is a string', () => {
    expect(() => fixture.pal.createServer('127.0.0.1', '7007' as never))
      .to.throw(RangeError, "is the string '7007'")
      .with.property('code', 'ERR_SOCKET_BAD_PORT');
  });

  it('of createNetworkPal and the time limits is refused with a code', () => {
    for (const options of [null, 'iocp', 1, []]) {
      for (const create of [
        () => createNetworkPal(options as never),
        () => createIdleTimeout(fixture.pal, options as never),
        () => createHeaderTimeout(fixture.pal, options as never),
      ]) {
        expect(create).to.throw(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
      }
    }
    for (const platform of [null, 'windows', 1]) {
      expect(() => createNetworkPal({ platform: platform as never }))
        .to.throw(TypeError, 'Cannot use platform')
        .with.property('code', 'ERR_INVALID_ARG_TYPE');
    }
    expect(() => createNetworkPal({ strict: 'false' as never })).to.throw(TypeError, "the string 'false'");
    expect(() => createIdleTimeout(fixture.pal, { ms: 1, onTimeout: 1 as never })).to.throw(TypeError, 'onTimeout');
  });

  it('cannot come after the check: each option is read once', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const watched = await pair(pal);
    const udp = pal.createUdpSocket('127.0.0.1', 0).handle;
    /** Right the first time, and nonsense after that. */
    const once = (options: Record<string, unknown>): { options: never; reads: Record<string, number> } => {
      const reads: Record<string, number> = {};
      const getters = Object.fromEntries(
        Object.entries(options).map(([name, value]) => [
          name,
          {
            enumerable: true,
            get: () => {
              reads[name] = (reads[name] ?? 0) + 1;
              return reads[name] === 1 ? value : NaN;
            },
          },
        ]),
      );
      return { options: Object.defineProperties({}, getters) as never, reads };
    };
    const { signal } = new AbortController();
    const common = { timeout: 60_000, signal };
    const tries: Record<string, [Record<string, unknown>, (options: never) => unknown]> = {
      createServer: [
        { backlog: 5, reuseAddr: false, noDelay: true, acceptDepth: 3, receiveBufferSize: 65536, whenFull: 'pause' },
        (options) => pal.createServer('127.0.0.1', 0, options),
      ],
      createUdpSocket: [
        { receiveDepth: 2, broadcast: true, sendBufferSize: 65536 },
        (options) => pal.createUdpSocket('127.0.0.1', 0, options),
      ],
      asyncRead: [common, (options) => pal.asyncRead(served, Buffer.alloc(1), 1, options, nothing)],
      asyncReadView: [common, (options) => pal.asyncReadView(served, options, nothing)],
      asyncDrain: [common, (options) => pal.asyncDrain(served, 0, options, nothing)],
      asyncWrite: [common, (options) => pal.asyncWrite(client, Buffer.alloc(1), options, nothing)],
      asyncConnect: [
        {
          ...common,
          localAddress: '127.0.0.1',
          localPort: 0,
          noDelay: true,
          family: 4,
          attemptDelay: 250,
          onAttempt: nothing,
        },
        (options) => pal.asyncConnect('127.0.0.1', 1, options, nothing),
      ],
      setSocketOption: [{ enabled: true, seconds: 0 }, (value) => pal.setSocketOption(client, 'Linger', value)],
      asyncSendFile: [
        { ...common, offset: 0, length: 1, transmitFile: true },
        (options) => pal.asyncSendFile(client, 'no such file', options, nothing),
      ],
      asyncReceiveFrom: [common, (options) => pal.asyncReceiveFrom(udp, Buffer.alloc(1), 1, options, nothing)],
      watch: [{ writable: true }, (interest) => pal.watch(watched.client, interest, nothing)],
      cancel: [{ hard: false }, (options) => pal.cancel(served, options)],
    };
    for (const [name, [options, act]] of Object.entries(tries)) {
      const { options: given, reads } = once(options);
      act(given);
      expect(reads, name).to.deep.equal(Object.fromEntries(Object.keys(options).map((option) => [option, 1])));
    }
  });

  it('cannot come with a list that answers otherwise the next time', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    let looks = 0;
    const list = [Buffer.from([1]), Buffer.from([2])];
    Object.defineProperty(list, 1, { get: () => (looks++ === 0 ? Buffer.from([2]) : Buffer.alloc(100)) });
    await write(pal, client, list);
    await write(pal, client, Buffer.from([3]));
    expect([...(await readExactly(pal, served, 3))]).to.deep.equal([1, 2, 3]);
    expect(looks).to.equal(1);
  });

  it('is a signal that nobody can stop listening to', async () => {
    const { pal } = fixture;
    const { served } = await pair(pal);
    const signal = { aborted: false, addEventListener: () => undefined } as unknown as AbortSignal;
    const thrown = thrownBy(() => pal.asyncRead(served, Buffer.alloc(1), 1, { signal }, () => undefined));
    expect(thrown.code).to.equal('ERR_INVALID_ARG_TYPE');
  });

  it('is none when a signal comes from another realm', async () => {
    const { pal } = fixture;
    const { served } = await pair(pal);
    const signal = new (class extends EventTarget {
      aborted = false;
      readonly reason = new Error('enough');
    })();
    const code = new Promise((resolve) => {
      pal.asyncRead(served, Buffer.alloc(1), 1, { signal: signal as never }, (error) => resolve(error?.code));
    });
    signal.aborted = true;
    signal.dispatchEvent(new Event('abort'));
    expect(await code).to.equal('ABORT_ERR');
  });

  it('is none when arrays and lists of them come from another realm', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const foreign = runInNewContext(
      '[new Uint8Array([1, 2]), [new Uint8Array([3]), new Uint8Array([4])], new Uint8Array(4)]',
    ) as [Uint8Array, Uint8Array[], Uint8Array];
    await write(pal, client, foreign[0]);
    expect([...(await readExactly(pal, served, 2))]).to.deep.equal([1, 2]);
    await write(pal, client, foreign[1]);
    expect([...(await readExactly(pal, served, 2))]).to.deep.equal([3, 4]);
    await write(pal, client, Buffer.from([5, 6]));
    const bytes = await new Promise<number>((resolve, reject) => {
      pal.asyncRead(served, foreign[2], 4, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
    expect([...foreign[2].subarray(0, bytes)]).to.deep.equal([5, 6].slice(0, bytes));
  });
});
