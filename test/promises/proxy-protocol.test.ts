/** proxyProtocol of listen(), on every foundation of the promises. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect } from 'chai';
import type { NetworkError, ProxyProtocolOptions } from '../../src/index.ts';
import type { Connection } from '../../src/promises/connection.ts';
import type { Server } from '../../src/promises/server.ts';
import { NodeProxyHeaders } from '../../src/promises/sockets/node-proxy-headers.ts';
import { MAX_PENDING_HEADERS, readProxySettings } from '../../src/proxy-protocol/proxy-settings.ts';
import { failureOf, onEveryNetwork } from '../support/networks.ts';
import { ADDRESSES_4, binary, BINARY, LINE, LOCAL, tlv } from '../support/proxy-headers.ts';

const CLIENT = { address: '192.0.2.7', port: 56324, family: 4 } as const;
const TRUSTING: ProxyProtocolOptions = { from: ['127.0.0.1'] };
/** Milliseconds: a deadline that is to be over. */
const SHORT = 30;

onEveryNetwork('promises: the PROXY protocol', (fixture) => {
  /** A server, and a promise for each connection that it refuses. */
  async function serve(proxyProtocol: ProxyProtocolOptions): Promise<{
    server: Server;
    refused: () => Promise<NetworkError>;
    quiet: () => boolean;
  }> {
    const told: NetworkError[] = [];
    const waiting: ((error: NetworkError) => void)[] = [];
    const onAcceptError = (error: NetworkError): void => {
      const wait = waiting.shift();
      if (wait === undefined) told.push(error);
      else wait(error);
    };
    const refused = (): Promise<NetworkError> => {
      const error = told.shift();
      return error === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(error);
    };
    return {
      server: await fixture.network.listen({ proxyProtocol, onAcceptError }),
      refused,
      quiet: () => told.length === 0,
    };
  }

  const visit = async ({ port }: Server, bytes: Uint8Array | string): Promise<Connection> => {
    const connection = await fixture.network.connect({ port, noDelay: true });
    // Whoever is refused may hear of it while it writes.
    if (bytes.length > 0) await connection.write(bytes).catch(() => undefined);
    return connection;
  };

  /** The peer has refused: a reset, which some systems tell as an end. */
  const expectRefused = async (connection: Connection): Promise<void> => {
    const end = await connection.read(new Uint8Array(1)).catch((error: unknown) => (error as NetworkError).code);
    expect(end).to.be.oneOf([0, 'ECONNRESET', 'ENOTCONN']);
    await connection.close();
  };

  for (const [version, header] of [
    [1, LINE],
    [2, BINARY],
  ] as const) {
    it(`version ${version}: the remote end is the client, and what follows at once can be read`, async () => {
      const { server } = await serve(TRUSTING);
      const accepting = server.accept();
      const proxy = await visit(server, Buffer.concat([Buffer.from(header), Buffer.from('hello')]));
      const connection = await accepting;
      expect(connection.remote).to.deep.equal(CLIENT);
      expect(connection.local.port).to.equal(server.port);
      expect(connection.proxyHeader).to.deep.include({
        version,
        command: 'PROXY',
        destination: { address: '198.51.100.1', port: 443, family: 4 },
        proxy: proxy.local,
      });
      expect(String(await connection.readExactly(5))).to.equal('hello');
      await connection.write('back');
      expect(String(await proxy.readExactly(4))).to.equal('back');
      await Promise.all([proxy.close(), connection.close()]);
      await server.close();
    });

    it(`version ${version}: it may come byte by byte`, async () => {
      const { server } = await serve(TRUSTING);
      const accepting = server.accept();
      const proxy = await visit(server, '');
      for (const byte of Buffer.from(header)) await proxy.write(Uint8Array.of(byte));
      await proxy.write('!');
      await proxy.closeWrite();
      const connection = await accepting;
      expect(connection.remote).to.deep.equal(CLIENT);
      expect(String(await connection.readExactly(1))).to.equal('!');
      expect(await connection.readExactly(1), 'the end').to.equal(null);
      await Promise.all([proxy.close(), connection.close()]);
      await server.close();
    });
  }

  it('the end of the stream may come together with the header', async () => {
    const { server } = await serve(TRUSTING);
    const proxy = await visit(server, LINE);
    await proxy.closeWrite();
    const connection = await server.accept();
    expect([connection.remote, await connection.readExactly(1)]).to.deep.equal([CLIENT, null]);
    await Promise.all([proxy.close(), connection.close()]);
    await server.close();
  });

  it('fields are kept', async () => {
    const { server } = await serve(TRUSTING);
    const proxy = await visit(server, binary(1, 0x11, ADDRESSES_4, tlv(2, 'live.example')));
    const connection = await server.accept();
    expect(
      connection.proxyHeader?.tlvs.map(({ type, value }) => `${type} ${Buffer.from(value).toString()}`),
    ).to.deep.equal(['2 live.example']);
    await Promise.all([proxy.close(), connection.close()]);
    await server.close();
  });

  it('LOCAL leaves the remote end as it is', async () => {
    const { server } = await serve(TRUSTING);
    const proxy = await visit(server, LOCAL);
    const connection = await server.accept();
    expect([connection.remote, connection.proxyHeader?.command]).to.deep.equal([proxy.local, 'LOCAL']);
    await Promise.all([proxy.close(), connection.close()]);
    await server.close();
  });

  it('what is no header, ends within it or takes too long is refused, and told', async () => {
    const { server, refused, quiet } = await serve({ ...TRUSTING, timeoutMs: SHORT });
    for (const [bytes, code] of [
      ['GET / HTTP/1.1\r\n\r\n', 'ERR_PROXY_HEADER'],
      [LINE.slice(0, 20), 'ERR_PROXY_HEADER_TIMEOUT'],
      ['', 'ERR_PROXY_HEADER_TIMEOUT'],
    ] as const) {
      const proxy = await visit(server, bytes);
      const error = await refused();
      expect([error.code, error.address]).to.deep.equal([code, '127.0.0.1']);
      await expectRefused(proxy);
    }
    await server.close();
    const patient = await serve(TRUSTING);
    const proxy = await visit(patient.server, LINE.slice(0, 20));
    await proxy.closeWrite();
    expect((await patient.refused()).code).to.equal('ERR_PROXY_HEADER_ENDED');
    await expectRefused(proxy);
    await patient.server.close();
    expect([quiet(), patient.quiet()]).to.deep.equal([true, true]);
  });

  it('strangers are refused', async () => {
    const { server, refused } = await serve({ from: ['192.0.2.0/24'] });
    const visiting = visit(server, LINE).then(expectRefused, (error: unknown) => {
      // WSAPoll tells of a connection that was reset before it was looked at as of one that nobody has taken.
      expect((error as NetworkError).code).to.be.oneOf(['ECONNREFUSED', 'ECONNRESET', 'ENOTCONN']);
    });
    expect((await refused()).code).to.equal('ERR_PROXY_STRANGER');
    await visiting;
    await server.close();
  });

  it('with required: false strangers are clients, whose header is data', async () => {
    const { server, quiet } = await serve({ from: ['192.0.2.0/24'], required: false });
    const stranger = await visit(server, LINE);
    const connection = await server.accept();
    expect([connection.remote, connection.proxyHeader]).to.deep.equal([stranger.local, null]);
    expect(String(await connection.readExactly(LINE.length))).to.equal(LINE);
    await Promise.all([stranger.close(), connection.close()]);
    await server.close();
    expect(quiet()).to.equal(true);
  });

  it('closing the server resets whose header is awaited, and says nothing of it', async () => {
    const { server, quiet } = await serve(TRUSTING);
    const proxy = await visit(server, LINE.slice(0, 20));
    // Another one is served meanwhile: the first has been accepted by then.
    const other = await visit(server, LINE);
    const connection = await server.accept();
    await Promise.all([other.close(), connection.close()]);
    await server.close();
    await expectRefused(proxy);
    expect(quiet()).to.equal(true);
  });

  it('toSocket() gives a socket whose peer is the client', async () => {
    const { server } = await serve(TRUSTING);
    const proxy = await visit(server, `${LINE}hello`);
    const connection = await server.accept();
    const socket = await connection.toSocket();
    expect([socket.remoteAddress, socket.remotePort, socket.remoteFamily]).to.deep.equal([
      CLIENT.address,
      CLIENT.port,
      'IPv4',
    ]);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(String(chunk)).to.equal('hello');
    socket.destroy();
    await once(socket, 'close');
    await proxy.close();
    await server.close();
  });

  for (const proxyProtocol of [true, {}, { from: [] }, { from: ['localhost'] }, { from: ['::1'], timeoutMs: 0 }]) {
    it(`refuses ${JSON.stringify(proxyProtocol)} as the option`, async () => {
      const error = await failureOf(fixture.network.listen({ proxyProtocol: proxyProtocol as ProxyProtocolOptions }));
      expect(error.message).to.include('proxyProtocol');
      expect(error.code).to.match(/^ERR_(INVALID_ARG_TYPE|INVALID_ARG_VALUE|OUT_OF_RANGE)$/);
    });
  }
});

describe('promises: the PROXY protocol on node:net', () => {
  it('refuses what is beyond the headers that are awaited, since it cannot leave it in the backlog', () => {
    const codes: string[] = [];
    const settings = readProxySettings(TRUSTING);
    const headers = new NodeProxyHeaders(settings, ({ code }) => codes.push(code));
    const nobody = (): void => expect.fail('none of them has sent a header');
    const sockets = Array.from({ length: MAX_PENDING_HEADERS + 2 }, () => {
      const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: '127.0.0.1' });
      headers.take(socket, nobody);
      return socket;
    });
    expect(codes).to.deep.equal(['ERR_PROXY_HEADERS_AWAITED', 'ERR_PROXY_HEADERS_AWAITED']);
    expect(sockets.filter(({ destroyed }) => destroyed)).to.have.lengthOf(2);
    headers.close();
    expect(sockets.every(({ destroyed }) => destroyed)).to.equal(true);
    expect(codes, 'the server was closed').to.have.lengthOf(2);
  });
});
