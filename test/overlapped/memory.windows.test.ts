/** Native memory: what connections pin, what goes back to the system, and what happens when there is none. */
import { expect } from 'chai';
import { createNetworkPal, NetworkErrorCode } from '../../src/index.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpWorker } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { withCalls, type ObservedPlatform } from '../support/calls.ts';
import { rejectionOf, thrownBy } from '../support/errors.ts';
import { close, connect, accept, pair, readExactly, readInto, write } from '../support/io.ts';
import { testPal } from '../support/pal-fixture.ts';
import { Sweeps } from '../support/sweeps.ts';

/** A platform whose memory is counted and can run out. */
function meteredPlatform(): { platform: ObservedPlatform; regions: Set<number>; exhaust: (on: boolean) => void } {
  const regions = new Set<number>();
  let exhausted = false;
  const real = windowsPlatform();
  const platform = withCalls({
    ...real,
    memory: {
      allocate(byteLength) {
        const region = exhausted ? null : real.memory.allocate(byteLength);
        if (region !== null) regions.add(region.address);
        return region;
      },
      allocateCollected: (byteLength) => (exhausted ? null : real.memory.allocateCollected(byteLength)),
      release(address) {
        expect(regions.delete(address), 'released once').to.equal(true);
        real.memory.release(address);
      },
    },
  });
  return {
    platform,
    regions,
    exhaust: (on) => {
      exhausted = on;
    },
  };
}

describe('native memory', () => {
  let metered: ReturnType<typeof meteredPlatform>;
  const fixture = testPal(iocpWorker, () => {
    metered = meteredPlatform();
    return { platform: metered.platform };
  });

  it('goes back to the system when the loop has stopped', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await Promise.all([write(pal, client, seededBytes(2_000_000)), readExactly(pal, served, 2_000_000)]);
    expect(metered.regions.size).to.be.above(3);
    await pal.stopEventLoop();
    expect(metered.regions.size).to.equal(0);
  });

  it('of a large transfer is used again, not taken again', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const transfer = () =>
      Promise.all([write(pal, client, seededBytes(1_000_000)), readExactly(pal, served, 1_000_000)]);
    await transfer();
    const { reservedBytes } = pal.stats();
    for (let round = 0; round < 10; round++) await transfer();
    expect(pal.stats().reservedBytes).to.be.at.most(2 * reservedBytes);
  });

  it("that is lacking fails a connection's first read and write with ENOBUFS, and is over with the lack", async () => {
    const { pal } = fixture;
    const { client, served, server } = await pair(pal);
    await close(pal, server.handle);
    await write(pal, client, seededBytes(10));
    // 1024 accepts take every block of eight chunks: the next one must come from the system.
    const depth = 1024;
    const greedy = pal.createServer('127.0.0.1', 0, { acceptDepth: depth });
    expect(pal.stats().operations.accept).to.equal(depth);
    metered.exhaust(true);
    const reading = await rejectionOf(readInto(pal, served, new Uint8Array(10)));
    const writing = await rejectionOf(write(pal, client, seededBytes(1)));
    for (const error of [reading, writing]) {
      expect(error).to.include({ code: 'ENOBUFS', kind: NetworkErrorCode.ResourceExhausted });
    }
    expect(thrownBy(() => pal.allocateBuffer(1000))).to.include({ code: 'ENOMEM', kind: NetworkErrorCode.OutOfMemory });
    metered.exhaust(false);
    // The bytes that could not be received are still there. What could not be sent left a hole that nothing may follow.
    expect((await readExactly(pal, served, 10)).equals(seededBytes(10))).to.equal(true);
    expect((await rejectionOf(write(pal, client, seededBytes(1)))).code).to.equal('ENOBUFS');
    await write(pal, served, seededBytes(10, 2));
    expect((await readExactly(pal, client, 10)).equals(seededBytes(10, 2))).to.equal(true);
    expect(pal.allocateBuffer(1000)).to.have.lengthOf(1000);
    await close(pal, greedy.handle);
  });
});

describe('idle connections', () => {
  const sweeps = new Sweeps();
  const fixture = testPal(iocpWorker, sweeps.options);

  it('give their large receive buffers back after a while, and still take data', async () => {
    const { pal } = fixture;
    const count = 50;
    const server = pal.createServer('127.0.0.1', 0);
    const buffers: Uint8Array[] = [];
    const connections = await Promise.all(
      Array.from({ length: count }, async () => {
        const [client, { socket }] = await Promise.all([
          connect(pal, '127.0.0.1', server.port),
          accept(pal, server.handle),
        ]);
        // Traffic that makes the receive blocks grow.
        await Promise.all([write(pal, client, seededBytes(500_000)), readExactly(pal, socket, 500_000)]);
        return { client, socket };
      }),
    );
    await close(pal, server.handle);
    const readings = connections.map(({ socket }) => {
      const buffer = new Uint8Array(65536);
      buffers.push(buffer);
      return readInto(pal, socket, buffer);
    });
    await sweeps.until(
      () => pal.stats().pinnedBytes < count * 1024,
      () => `less than 1 KiB per connection; pinned are ${pal.stats().pinnedBytes} bytes`,
    );
    await Promise.all(connections.map(({ client }, index) => write(pal, client, seededBytes(100, index))));
    expect(await Promise.all(readings)).to.deep.equal(new Array(count).fill(100));
    buffers.forEach((buffer, index) => {
      expect(seededBytes(100, index).equals(buffer.subarray(0, 100)), `connection ${index}`).to.equal(true);
    });
  });
});

describe('initialize() that cannot', () => {
  const rows: [string, string, () => ObservedPlatform, string, RegExp][] = [
    [
      'start Winsock',
      'ENETDOWN',
      () => withCalls(windowsPlatform(), { WSAStartup: () => 10091 }),
      'WSAStartup',
      /WSAStartup, 10091/,
    ],
    [
      'make a socket',
      'EMFILE',
      () => withCalls(windowsPlatform(), { WSASocketW: ({ fail }) => fail(10024) }),
      'WSASocketW',
      /WSASocketW, 10024/,
    ],
    [
      'make a port',
      'ENOMEM',
      () => withCalls(windowsPlatform(), { CreateIoCompletionPort: ({ fail }) => fail(8, 0) }),
      'CreateIoCompletionPort',
      /CreateIoCompletionPort, 8/,
    ],
  ];
  for (const [what, code, make, syscall, message] of rows) {
    it(`${what} says so, and can be tried again`, async () => {
      const metered = meteredPlatform();
      const broken = make();
      const healthy = metered.platform;
      let current = broken;
      const pal = createNetworkPal({
        platform: new Proxy(healthy, {
          get: (target, name) => Reflect.get(name === 'memory' ? target : current, name) as unknown,
        }),
      });
      const error = thrownBy(() => pal.initialize());
      expect(error).to.include({ code, syscall });
      expect(error.message).to.match(message);
      expect(metered.regions.size, 'native memory that is left').to.equal(0);
      current = healthy;
      pal.initialize();
      await pal.stopEventLoop();
    });
  }

  it('work with a layered service provider names it and says how to get rid of it', () => {
    const platform = withCalls(windowsPlatform(), { getsockopt: ({ fail }) => fail(10042) });
    const error = thrownBy(() => createNetworkPal({ platform }).initialize());
    expect(error).to.include({ code: 'ERR_LAYERED_SERVICE_PROVIDER', kind: NetworkErrorCode.InitializationFailed });
    expect(error.message).to.match(/netsh winsock show catalog/);
    expect(platform.callsOf('closesocket'), 'the socket it looked at').to.have.lengthOf(1);
  });

  it('get memory says how much', () => {
    const metered = meteredPlatform();
    metered.exhaust(true);
    expect(() => createNetworkPal({ platform: metered.platform }).initialize()).to.throw(/bytes/);
  });
});

describe('a connect that cannot', () => {
  let fail: string;
  const fixture = testPal(iocpWorker, () => {
    fail = '';
    const failing = (name: string, code: number, result: number) => ({
      [name]: (call: { real: () => number; fail: (code: number, result: number) => number }) =>
        fail === name ? call.fail(code, result) : call.real(),
    });
    return {
      platform: withCalls(windowsPlatform(), {
        ...failing('WSASocketW', 10024, -1),
        ...failing('bind', 10048, -1),
        ...failing('CreateIoCompletionPort', 8, 0),
        ...failing('ConnectEx', 10051, 0),
        ...failing('setsockopt', 10022, -1),
      }),
    };
  });
  for (const [name, code, kind] of [
    ['WSASocketW', 'EMFILE', NetworkErrorCode.TooManyOpenFiles],
    ['bind', 'EADDRINUSE', NetworkErrorCode.AddressInUse],
    ['CreateIoCompletionPort', 'ENOMEM', NetworkErrorCode.OutOfMemory],
    ['ConnectEx', 'ENETUNREACH', NetworkErrorCode.NetworkUnreachable],
    ['setsockopt', 'EINVAL', NetworkErrorCode.ConnectFailed],
  ] as const) {
    it(`get past ${name} fails in its callback and leaves nothing`, async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      fail = name;
      const error = await rejectionOf(connect(pal, '127.0.0.1', server.port));
      expect(error).to.include({ code, kind, address: '127.0.0.1', port: server.port });
      expect(error.syscall).to.include(name);
      fail = '';
      await close(pal, server.handle);
      expect(pal.stats()).to.include({ sockets: 0, pinnedBytes: 0 });
    });
  }
});
