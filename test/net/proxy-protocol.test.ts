/** proxyProtocol of net's servers, and of servers of http and tls in front of which they listen. */
import { once } from 'node:events';
import http from 'node:http';
import nodeNet, { type AddressInfo, type DropArgument, type Server, type Socket } from 'node:net';
import process from 'node:process';
import tls from 'node:tls';
import { expect } from 'chai';
import { listen as listenOnPal } from '../../src/http/index.ts';
import { listenInFront } from '../../src/http/front.ts';
import ourNet from '../../src/net/index.ts';
import type { Net, ProxiedSocket } from '../../src/node-shape/proxy-protocol.ts';
import type { ProxyProtocolOptions } from '../../src/index.ts';
import { thrownBy } from '../support/errors.ts';
import { ADDRESSES_4, binary, BINARY, LINE, LOCAL, tlv } from '../support/proxy-headers.ts';
import { onEveryNet } from './support/net-beds.ts';

const CLIENT = { remoteAddress: '192.0.2.7', remotePort: 56324, remoteFamily: 'IPv4' } as const;
const TRUSTING: ProxyProtocolOptions = { from: ['127.0.0.1'] };

/** The end of a connection that is refused, whether the system tells it as a reset or as an end. */
function goneOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.resume().once('close', () => resolve()));
}

/** The first so many bytes, as text. */
async function someOf(socket: Socket, bytes: number): Promise<string> {
  let text = '';
  while (text.length < bytes) text += String(((await once(socket, 'data')) as [Buffer])[0]);
  return text;
}

onEveryNet('the PROXY protocol on net', ({ net: anyNet, ours }) => {
  if (!ours) return;
  const net = anyNet as Net;

  async function begun(server: Server, ...args: unknown[]): Promise<number> {
    (server.listen as (...args: unknown[]) => unknown)(...args);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** A connection of the proxy's, which sends this. */
  function visit(port: number, bytes: Uint8Array | string): Socket {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    if (bytes.length > 0) socket.write(bytes);
    return socket;
  }

  async function closed(server: Server, ...sockets: Socket[]): Promise<void> {
    const gone = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await gone;
  }

  for (const [what, header] of [
    ['version 1', LINE],
    ['version 2', BINARY],
  ] as const) {
    it(`${what}: the remote end is the client, and what follows at once is data`, async () => {
      const server = net.createServer({ proxyProtocol: TRUSTING });
      const port = await begun(server, 0, '127.0.0.1');
      const accepted = once(server, 'connection') as Promise<[ProxiedSocket]>;
      const proxy = visit(port, Buffer.concat([Buffer.from(header), Buffer.from('hello')]));
      const [socket] = await accepted;
      expect(socket).to.include({ ...CLIENT, localPort: port });
      expect(socket.proxyHeader?.destination).to.deep.equal({ address: '198.51.100.1', port: 443, family: 4 });
      expect(socket.proxyHeader?.proxy).to.deep.equal({ address: '127.0.0.1', port: proxy.localPort, family: 4 });
      expect(await someOf(socket, 5)).to.equal('hello');
      socket.end('back');
      expect(await someOf(proxy, 4)).to.equal('back');
      await closed(server, proxy, socket);
    });
  }

  it('may be an option of listen(), and its fields can be read', async () => {
    const server = net.createServer();
    const port = await begun(server, { port: 0, host: '127.0.0.1', proxyProtocol: TRUSTING });
    const accepted = once(server, 'connection') as Promise<[ProxiedSocket]>;
    const proxy = visit(port, binary(1, 0x11, ADDRESSES_4, tlv(2, 'live.example')));
    const [socket] = await accepted;
    expect(socket.remoteAddress).to.equal(CLIENT.remoteAddress);
    expect(socket.proxyHeader?.tlvs.map(({ value }) => Buffer.from(value).toString())).to.deep.equal(['live.example']);
    await closed(server, proxy, socket);
  });

  it('LOCAL leaves the remote end as it is, and so does who need not send a header', async () => {
    for (const [proxyProtocol, bytes, command] of [
      [TRUSTING, LOCAL, 'LOCAL'],
      [{ from: ['192.0.2.1'], required: false }, '', undefined],
    ] as const) {
      const server = net.createServer({ proxyProtocol });
      const port = await begun(server, 0, '127.0.0.1');
      const accepted = once(server, 'connection') as Promise<[ProxiedSocket]>;
      const proxy = visit(port, bytes);
      const [socket] = await accepted;
      if (proxy.connecting) await once(proxy, 'connect'); // the other end may hear of it first
      expect([socket.remoteAddress, socket.remotePort]).to.deep.equal(['127.0.0.1', proxy.localPort]);
      expect(socket.proxyHeader?.command).to.equal(command);
      await closed(server, proxy, socket);
    }
  });

  it('pauseOnConnect leaves the data where they are, until somebody resumes', async () => {
    const server = net.createServer({ proxyProtocol: TRUSTING, pauseOnConnect: true });
    const port = await begun(server, 0, '127.0.0.1');
    const accepted = once(server, 'connection') as Promise<[ProxiedSocket]>;
    const proxy = visit(port, `${LINE}hello`);
    const [socket] = await accepted;
    let came = '';
    socket.on('data', (chunk: Buffer) => (came += chunk.toString()));
    await new Promise((resolve) => setImmediate(resolve));
    expect([socket.isPaused(), came]).to.deep.equal([true, '']);
    socket.resume();
    while (came.length < 5) await once(socket, 'data');
    expect(came).to.equal('hello');
    await closed(server, proxy, socket);
  });

  it('maxConnections drops, and blockList blocks, by the client', async () => {
    const blockList = new nodeNet.BlockList();
    blockList.addAddress('192.0.2.99');
    const server = net.createServer({ proxyProtocol: TRUSTING, ...{ blockList } });
    const port = await begun(server, 0, '127.0.0.1');
    server.maxConnections = 1;
    const blocked = visit(port, LINE.replace('192.0.2.7', '192.0.2.99'));
    await goneOf(blocked);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const first = visit(port, LINE);
    const [socket] = await accepted;
    const dropped = once(server, 'drop') as Promise<[DropArgument]>;
    const second = visit(port, LINE.replace('192.0.2.7', '192.0.2.8'));
    expect((await dropped)[0]).to.include({ remoteAddress: '192.0.2.8', remotePort: 56324 });
    await closed(server, first, second, socket);
  });

  it('whoever is refused is told of in proxyProtocolError, and the next one is served', async () => {
    const server = net.createServer({ proxyProtocol: { ...TRUSTING, timeoutMs: 30 } });
    const port = await begun(server, 0, '127.0.0.1');
    for (const [bytes, code] of [
      ['GET / HTTP/1.1\r\n\r\n', 'ERR_PROXY_HEADER'],
      [LINE.slice(0, 20), 'ERR_PROXY_HEADER_TIMEOUT'],
    ] as const) {
      const refused = once(server, 'proxyProtocolError') as Promise<[{ code: string; address: string }]>;
      const proxy = visit(port, bytes);
      const gone = goneOf(proxy);
      expect((await refused)[0]).to.include({ code, address: '127.0.0.1' });
      await gone;
    }
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const proxy = visit(port, LINE);
    const [socket] = await accepted;
    expect(socket.remoteAddress).to.equal(CLIENT.remoteAddress);
    await closed(server, proxy, socket);
  });

  it('strangers are refused', async () => {
    const server = net.createServer({ proxyProtocol: { from: ['192.0.2.1'] } });
    const port = await begun(server, 0, '127.0.0.1');
    const refused = once(server, 'proxyProtocolError') as Promise<[{ code: string }]>;
    const stranger = visit(port, LINE);
    const gone = goneOf(stranger);
    expect((await refused)[0].code).to.equal('ERR_PROXY_STRANGER');
    await gone;
    await closed(server);
  });

  it("a request of http knows its client, also in front of a server of Node's", async () => {
    const server = http.createServer((request, response) => {
      const { remoteAddress, remotePort } = request.socket;
      response.end(`${remoteAddress} ${remotePort}`);
    });
    const options = { port: 0, host: '127.0.0.1', proxyProtocol: TRUSTING };
    listenInFront(net, server, [options], () => expect.fail('Node listens itself'));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const proxy = visit(port, `${LINE}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const chunk of proxy) answer += String(chunk);
    expect(answer).to.include(`${CLIENT.remoteAddress} ${CLIENT.remotePort}`);
    const refused = once(server, 'proxyProtocolError') as Promise<[{ code: string }]>;
    const wrong = visit(port, 'GET / HTTP/1.1\r\n\r\n');
    const gone = goneOf(wrong);
    expect((await refused)[0].code).to.equal('ERR_PROXY_HEADER');
    await gone;
    await closed(server);
  });

  it('a TLS socket knows its client: the header comes before the handshake', async () => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const psk = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    const server = tls.createServer({ ...psk, pskCallback: () => key });
    listenInFront(net, server, [{ port: 0, host: '127.0.0.1', proxyProtocol: TRUSTING }], () => undefined);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const secured = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>;
    const proxy = visit(port, BINARY);
    const client = tls.connect({
      ...psk,
      socket: proxy,
      pskCallback: () => ({ psk: key, identity: 'me' }),
      checkServerIdentity: () => undefined,
    });
    const [served] = await secured;
    expect([served.remoteAddress, served.remotePort]).to.deep.equal([CLIENT.remoteAddress, CLIENT.remotePort]);
    served.end('secret');
    let text = '';
    for await (const chunk of client) text += String(chunk);
    expect(text).to.equal('secret');
    await closed(server, proxy);
  });

  it('refuses what makes no sense, and places where Node.js listens', () => {
    for (const proxyProtocol of [true, {}, { from: [] }, { from: ['localhost'] }, { from: ['::1'], timeoutMs: 0 }]) {
      const given = { proxyProtocol: proxyProtocol as ProxyProtocolOptions };
      for (const error of [
        thrownBy(() => net.createServer(given)),
        thrownBy(() => net.createServer().listen({ port: 0, ...given })),
      ]) {
        expect(error.message).to.include('proxyProtocol');
        expect(error.code).to.match(/^ERR_(INVALID_ARG_TYPE|INVALID_ARG_VALUE|OUT_OF_RANGE)$/);
      }
    }
    for (const act of [
      () => net.createServer({ proxyProtocol: TRUSTING }).listen('\\\\.\\pipe\\iocp-pal'),
      () => net.createServer().listen({ path: '\\\\.\\pipe\\iocp-pal', ...{ proxyProtocol: TRUSTING } }),
      () => {
        const place = { path: '\\\\.\\pipe\\iocp-pal', proxyProtocol: TRUSTING };
        listenInFront(net, http.createServer(), [place], () => expect.fail('Node listens itself'));
      },
    ]) {
      const error = thrownBy(act);
      expect([error.code, error.message.includes("Node's own servers read no PROXY headers")]).to.deep.equal([
        'ERR_INVALID_ARG_VALUE',
        true,
      ]);
    }
  });
});

describe('the PROXY protocol where iocp-pal/net is node:net', () => {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  it('is refused, since nobody would read the header', () => {
    for (const act of [
      () => ourNet.createServer({ proxyProtocol: TRUSTING }),
      () => listenOnPal(http.createServer(), { port: 0, proxyProtocol: TRUSTING }),
    ]) {
      expect(thrownBy(act).code).to.equal('ERR_INVALID_ARG_VALUE');
    }
  });

  it('leaves everything else as it is', () => {
    expect(ourNet.createServer({ noDelay: true }, () => undefined)).to.be.instanceOf(nodeNet.Server);
    expect({ ...ourNet, createServer: null }).to.deep.equal({ ...nodeNet, createServer: null });
  });
});
