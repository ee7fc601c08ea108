/** proxyProtocol: connections that begin with a PROXY header, and those that should and do not. */
import { expect } from 'chai';
import {
  WouldBlock,
  type NetworkError,
  type ProxyHeader,
  type ProxyProtocolOptions,
  type ServerOptions,
  type ServerSocket,
  type SocketHandle,
} from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { accept, close, connect, readExactly, readInto, readToEnd, reset, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { ADDRESSES_4, ADDRESSES_6, binary, BINARY, LINE, LOCAL, tlv } from '../../support/proxy-headers.ts';
import { turns, until } from '../../support/until.ts';

/** Turns after which whatever was going to happen has happened. */
const A_WHILE = 50;
/** Milliseconds: a deadline that is to be over. */
const SHORT = 30;
const CLIENT = { address: '192.0.2.7', port: 56324, family: 4 } as const;
const TRUSTING: ProxyProtocolOptions = { from: ['127.0.0.1'] };
/** Nobody is at these addresses. */
const OTHERS = ['192.0.2.0/24', '2001:db8::/32'];

onEveryBed('the PROXY protocol', (bed) => {
  const fixture = testPal(bed);
  let errors: NetworkError[];
  beforeEach(() => {
    errors = [];
  });

  function serve(proxyProtocol: ProxyProtocolOptions, options: ServerOptions = {}, host = '127.0.0.1'): ServerSocket {
    return fixture.pal.createServer(host, 0, {
      ...options,
      proxyProtocol,
      onAcceptError: (error) => errors.push(error),
    });
  }

  /** Somebody who connects and sends this. */
  async function visitor(server: ServerSocket, bytes: Uint8Array | string, host = '127.0.0.1'): Promise<SocketHandle> {
    const socket = await connect(fixture.pal, host, server.port, { noDelay: true });
    if (bytes.length > 0) await write(fixture.pal, socket, Buffer.from(bytes));
    return socket;
  }

  const untilRefused = (count: number): Promise<void> =>
    until(
      () => errors.length >= count && fixture.pal.stats().refused >= count,
      () => `${count} refusals, not ${errors.length}`,
      bed,
    );

  /** How a connection ends on the side of who made it: Wine tells a reset as the end of the stream, at times. */
  async function endOf(socket: SocketHandle): Promise<string> {
    try {
      return `${await readInto(fixture.pal, socket, new Uint8Array(1))} bytes`;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
  const REFUSED = ['ECONNRESET', '0 bytes'];

  /** The same of somebody who is refused as soon as he has connected, or before he has seen that. */
  async function endOfVisit(server: ServerSocket, bytes: Uint8Array | string): Promise<string> {
    try {
      return await endOf(await visitor(server, bytes));
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
  /** WSAPoll tells of a connection that was reset before it was looked at as of one that nobody has taken. */
  const REFUSED_AT_ONCE = [...REFUSED, 'ENOTCONN', ...(bed.name.startsWith('wsapoll') ? ['ECONNREFUSED'] : [])];

  const awaited = (server: ServerSocket): number | undefined =>
    fixture.pal.inspect().sockets.find(({ handle }) => handle === server.handle)?.queues['proxyHeadersAwaited'];

  const untilAwaited = (server: ServerSocket, count: number): Promise<void> =>
    until(
      () => awaited(server) === count,
      () => `${count} headers that are awaited, not ${awaited(server)}`,
      bed,
    );

  for (const [what, header] of [
    ['version 1', LINE],
    ['version 2', BINARY],
  ] as const) {
    it(`${what}: the peer is the client, and what follows in the same packet is its own`, async () => {
      const { pal } = fixture;
      const server = serve(TRUSTING);
      const accepting = accept(pal, server.handle);
      const proxy = await visitor(server, Buffer.concat([Buffer.from(header), Buffer.from('hello')]));
      const { socket, peer } = await accepting;
      expect(peer).to.deep.equal(CLIENT);
      expect([pal.getRemoteAddress(socket), pal.getRemotePort(socket)]).to.deep.equal([CLIENT.address, CLIENT.port]);
      expect(pal.getLocalPort(socket), 'its own end is what it is').to.equal(server.port);
      const found = pal.getProxyHeader(socket);
      expect(found?.destination).to.deep.equal({ address: '198.51.100.1', port: 443, family: 4 });
      expect(found?.proxy).to.deep.equal({ address: '127.0.0.1', port: pal.getLocalPort(proxy), family: 4 });
      expect(String(await readExactly(pal, socket, 5))).to.equal('hello');
      await write(pal, socket, Buffer.from('back'));
      expect(String(await readExactly(pal, proxy, 4))).to.equal('back');
      expect(pal.stats()).to.include({ accepted: 1, refused: 0 });
      await close(pal, socket);
      expect(pal.getProxyHeader(socket), 'gone').to.equal(null);
    });

    it(`${what}: it may come byte by byte`, async () => {
      const { pal } = fixture;
      const server = serve(TRUSTING);
      const accepting = accept(pal, server.handle);
      const proxy = await visitor(server, '');
      for (const byte of Buffer.from(header)) await write(pal, proxy, Buffer.from([byte]));
      await write(pal, proxy, Buffer.from('!'));
      const { socket, peer } = await accepting;
      expect(peer).to.deep.equal(CLIENT);
      expect(String(await readExactly(pal, socket, 1))).to.equal('!');
    });
  }

  it('nobody gets a connection before its header is complete', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING);
    let readable = 0;
    pal.watch(server.handle, { readable: true }, () => {
      readable++;
    });
    const proxy = await visitor(server, BINARY.subarray(0, -1));
    await untilAwaited(server, 1);
    await turns(A_WHILE, bed);
    expect([readable, pal.tryAccept(server.handle), pal.stats().accepted]).to.deep.equal([0, WouldBlock, 0]);
    await write(pal, proxy, BINARY.subarray(-1));
    await until(
      () => readable > 0,
      () => 'the watch',
      bed,
    );
    const socket = pal.tryAccept(server.handle);
    if (socket === WouldBlock) return expect.fail('there is none');
    expect(pal.getRemoteAddress(socket)).to.equal(CLIENT.address);
    expect(awaited(server)).to.equal(0);
    await close(pal, socket);
  });

  it('the fields of version 2 are kept, and their bytes stay as they are', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING);
    const accepting = accept(pal, server.handle);
    const name = tlv(2, 'live.example');
    await visitor(server, binary(1, 0x21, ADDRESSES_6, name, tlv(0xe0, Buffer.alloc(3000, 7))));
    const { socket, peer } = await accepting;
    expect(peer).to.deep.equal({ address: '2001:db8::7', port: 56324, family: 6 });
    const { tlvs } = pal.getProxyHeader(socket) ?? ({ tlvs: [] } as Pick<ProxyHeader, 'tlvs'>);
    expect(tlvs.map(({ type }) => type)).to.deep.equal([2, 0xe0]);
    expect(String(tlvs[0]?.value)).to.equal('live.example');
    expect(Buffer.alloc(3000, 7).equals(tlvs[1]?.value ?? Buffer.alloc(0))).to.equal(true);
  });

  for (const [what, header, transport] of [
    ['LOCAL', LOCAL, 'unknown'],
    ['LOCAL with addresses', binary(0, 0x11, ADDRESSES_4), 'unknown'],
    ['UNKNOWN', 'PROXY UNKNOWN\r\n', 'unknown'],
    ['of an unspecified family', binary(1, 0, Buffer.alloc(9)), 'unknown'],
    ['of UDP', binary(1, 0x12, ADDRESSES_4), 'udp'],
    ['of a Unix socket', binary(1, 0x31, Buffer.alloc(216)), 'unix'],
  ] as const) {
    it(`a header that is ${what} leaves the connection its own peer`, async () => {
      const { pal } = fixture;
      const server = serve(TRUSTING);
      const accepting = accept(pal, server.handle);
      const proxy = await visitor(server, header);
      const { socket, peer } = await accepting;
      expect(peer).to.deep.equal({ address: '127.0.0.1', port: pal.getLocalPort(proxy), family: 4 });
      expect(pal.getProxyHeader(socket)).to.deep.include({ transport, proxy: peer });
      await write(pal, proxy, Buffer.from('x'));
      expect(String(await readExactly(pal, socket, 1))).to.equal('x');
    });
  }

  it('on an IPv6 server a proxy is recognized by its IPv4 address', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING, {}, '::');
    const accepting = accept(pal, server.handle);
    await visitor(server, LINE);
    const { peer, socket } = await accepting;
    expect(peer).to.deep.equal(CLIENT);
    expect(pal.getProxyHeader(socket)?.proxy.address).to.equal('::ffff:127.0.0.1');
  });

  it('strangers are refused before anything is read', async () => {
    const { pal } = fixture;
    const server = serve({ from: OTHERS });
    for (const bytes of [LINE, '']) expect(await endOfVisit(server, bytes)).to.be.oneOf(REFUSED_AT_ONCE);
    await untilRefused(2);
    expect(errors.map(({ code, address }) => [code, address])).to.deep.equal([
      ['ERR_PROXY_STRANGER', '127.0.0.1'],
      ['ERR_PROXY_STRANGER', '127.0.0.1'],
    ]);
    expect(pal.stats()).to.include({ accepted: 0, refused: 2 });
  });

  it('with required: false strangers are clients, and their header is data', async () => {
    const { pal } = fixture;
    const server = serve({ from: OTHERS, required: false });
    const accepting = accept(pal, server.handle);
    const stranger = await visitor(server, LINE);
    const { socket, peer } = await accepting;
    expect(peer).to.deep.equal({ address: '127.0.0.1', port: pal.getLocalPort(stranger), family: 4 });
    expect(pal.getProxyHeader(socket)).to.equal(null);
    expect(String(await readExactly(pal, socket, LINE.length))).to.equal(LINE);
  });

  it('with required: false a proxy must send its header all the same', async () => {
    const server = serve({ ...TRUSTING, required: false });
    const socket = await visitor(server, 'GET / HTTP/1.1\r\n\r\n');
    await untilRefused(1);
    expect(errors[0]?.code).to.equal('ERR_PROXY_HEADER');
    expect(await endOf(socket)).to.be.oneOf(REFUSED);
  });

  it('what is no header is refused, and the next connection is served', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING);
    const accepting = accept(pal, server.handle);
    const wrong = ['GET / HTTP/1.1\r\n', 'PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n', binary(1, 0x11, Buffer.alloc(3))];
    for (const bytes of wrong) {
      const refused = errors.length;
      const socket = await visitor(server, bytes);
      await untilRefused(refused + 1);
      expect(await endOf(socket)).to.be.oneOf(REFUSED);
    }
    expect(errors.map(({ code }) => code)).to.deep.equal(wrong.map(() => 'ERR_PROXY_HEADER'));
    await visitor(server, LINE);
    expect((await accepting).peer).to.deep.equal(CLIENT);
    expect(pal.stats()).to.include({ accepted: 1, refused: 3 });
  });

  it('a proxy that ends or resets its connection within the header is told of', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING);
    const ended = await visitor(server, LINE.slice(0, 20));
    pal.shutdown(ended, 'send');
    await untilRefused(1);
    expect(errors[0]).to.include({ code: 'ERR_PROXY_HEADER_ENDED', address: '127.0.0.1' });
    expect(errors[0]?.message).to.include('20 bytes');
    const broken = await visitor(server, BINARY.subarray(0, 15));
    await untilAwaited(server, 1);
    await reset(pal, broken);
    await untilRefused(2);
    // Wine tells a reset as the end of the stream, at times.
    expect(errors[1]?.code).to.be.oneOf(['ECONNRESET', 'ERR_PROXY_HEADER_ENDED']);
  });

  it('half a header ends with its time', async () => {
    const { pal } = fixture;
    const server = serve({ ...TRUSTING, timeoutMs: SHORT });
    const visitors = [await visitor(server, ''), await visitor(server, LINE.slice(0, 20))];
    await untilRefused(2);
    expect(errors.map(({ code }) => code)).to.deep.equal(errors.map(() => 'ERR_PROXY_HEADER_TIMEOUT'));
    for (const socket of visitors) expect(await endOf(socket)).to.be.oneOf(REFUSED);
    expect(pal.stats().accepted).to.equal(0);
  });

  it('halves of headers hold nobody up, also where one accept is posted', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING, { acceptDepth: 1 });
    for (let count = 1; count <= 5; count++) {
      await visitor(server, LINE.slice(0, count));
      await untilAwaited(server, count);
    }
    const accepting = accept(pal, server.handle);
    await visitor(server, LINE);
    expect((await accepting).peer).to.deep.equal(CLIENT);
    expect(awaited(server)).to.equal(5);
  });

  it('whoever is awaited counts for maxConnections, and makes room when refused', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING, { maxConnections: 2 });
    const halves = [await visitor(server, 'P'), await visitor(server, 'P')];
    await untilAwaited(server, 2);
    const accepting = accept(pal, server.handle);
    await visitor(server, LINE);
    await turns(A_WHILE, bed);
    expect(pal.stats().accepted).to.equal(0);
    await write(pal, halves[0] ?? fail(), Buffer.from('?'));
    expect((await accepting).peer).to.deep.equal(CLIENT);
    expect(errors.map(({ code }) => code)).to.deep.equal(['ERR_PROXY_HEADER']);
  });

  it('maxConnectionsPerAddress counts clients, and not their proxy', async () => {
    const { pal } = fixture;
    const limits: string[] = [];
    const server = serve(TRUSTING, {
      maxConnectionsPerAddress: 1,
      onLimit: ({ reason, address, refused }) => void limits.push(`${reason} ${address} ${refused}`),
    });
    const line = (address: string): string => `PROXY TCP4 ${address} 198.51.100.1 5000 443\r\n`;
    const taken: SocketHandle[] = [];
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      const accepting = accept(pal, server.handle);
      await visitor(server, line(address));
      taken.push((await accepting).socket);
    }
    const second = await visitor(server, line('192.0.2.2'));
    await until(
      () => limits.length > 0,
      () => 'onLimit',
      bed,
    );
    expect(await endOf(second)).to.be.oneOf(REFUSED);
    expect(limits).to.deep.equal(['maxConnectionsPerAddress 192.0.2.2 true']);
    await close(pal, taken[1] ?? fail());
    const accepting = accept(pal, server.handle);
    await visitor(server, line('192.0.2.2'));
    expect((await accepting).peer.address).to.equal('192.0.2.2');
    expect(errors).to.deep.equal([]);
  });

  it('closing the server resets what is awaited, and says nothing of it', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING);
    const visitors = [await visitor(server, ''), await visitor(server, LINE.slice(0, 20))];
    await untilAwaited(server, 2);
    await close(pal, server.handle);
    for (const socket of visitors) expect(await endOf(socket)).to.be.oneOf(REFUSED);
    await until(
      () => pal.stats().sockets === 2,
      () => 'the end of the served sockets',
      bed,
    );
    expect([errors, pal.stats().accepted]).to.deep.equal([[], 0]);
  });

  it('a handle from inspect() may be closed meanwhile', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING);
    const proxy = await visitor(server, LINE.slice(0, 20));
    await untilAwaited(server, 1);
    const ours = pal.getLocalPort(proxy);
    const served = pal.inspect().sockets.find(({ peer }) => peer?.port === ours);
    await close(pal, served?.handle ?? fail());
    expect(await endOf(proxy)).to.be.oneOf(REFUSED);
    expect([errors, awaited(server)]).to.deep.equal([[], 0]);
  });

  it('a paused server reads headers, and hands nothing out', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING);
    const proxy = await visitor(server, LINE.slice(0, 20));
    await untilAwaited(server, 1);
    const accepting = accept(pal, server.handle);
    pal.pauseAccept(server.handle);
    await write(pal, proxy, Buffer.from(LINE.slice(20)));
    await untilAwaited(server, 0);
    await turns(A_WHILE, bed);
    pal.resumeAccept(server.handle);
    expect((await accepting).peer).to.deep.equal(CLIENT);
  });

  it('sockets are used again, each with the header of its own connection', async () => {
    const { pal } = fixture;
    const server = serve(TRUSTING, { reuseSockets: true, acceptDepth: 1 });
    for (let port = 1; port <= 5; port++) {
      const accepting = accept(pal, server.handle);
      const proxy = await visitor(server, `PROXY TCP4 192.0.2.${port} 198.51.100.1 ${port} 443\r\nx`);
      const { socket, peer } = await accepting;
      expect(peer).to.deep.equal({ address: `192.0.2.${port}`, port, family: 4 });
      pal.shutdown(proxy, 'send');
      expect(String(await readToEnd(pal, socket))).to.equal('x');
      await close(pal, socket);
      await close(pal, proxy);
    }
  });

  for (const [what, proxyProtocol, code] of [
    ['no object', true, 'ERR_INVALID_ARG_TYPE'],
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['nobody', {}, 'ERR_INVALID_ARG_VALUE'],
    ['an empty list', { from: [] }, 'ERR_INVALID_ARG_VALUE'],
    ['a text', { from: '127.0.0.1' }, 'ERR_INVALID_ARG_VALUE'],
    ['a name', { from: ['localhost'] }, 'ERR_INVALID_ARG_VALUE'],
    ['required that is no boolean', { from: ['::1'], required: 1 }, 'ERR_INVALID_ARG_TYPE'],
    ['no time', { from: ['::1'], timeoutMs: 0 }, 'ERR_OUT_OF_RANGE'],
    ['a time that is no number', { from: ['::1'], timeoutMs: '5' }, 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    it(`refuses ${what} as the option`, () => {
      const { pal } = fixture;
      const given = proxyProtocol as unknown as ProxyProtocolOptions;
      const error = thrownBy(() => pal.createServer('127.0.0.1', 0, { proxyProtocol: given }));
      expect(error.code).to.equal(code);
      expect(error.message).to.include('proxyProtocol');
    });
  }

  it('refuses to be used with what hands connections to other loops', () => {
    const { pal } = fixture;
    for (const options of [{ deferAssociation: true }, { spread: { loops: [] } }]) {
      const error = thrownBy(() => pal.createServer('127.0.0.1', 0, { ...options, proxyProtocol: TRUSTING }));
      expect(error.code).to.equal('ERR_INVALID_ARG_VALUE');
      expect(error.message).to.include(`together with ${Object.keys(options)[0]}`);
    }
    expect(pal.stats().servers).to.equal(0);
  });
});

function fail(): never {
  throw new Error('There is none');
}
