/** Servers of Node's that listen on the PAL: http as it is, with keep-alive and upgrades. */
import { once } from 'node:events';
import http from 'node:http';
import type nodeNet from 'node:net';
import { type AddressInfo, type Socket } from 'node:net';
import { expect } from 'chai';
import { listenInFront } from '../../src/http/front.ts';
import { onEveryNet } from '../net/support/net-beds.ts';
import { bytesOf } from '../net/support/sockets.ts';

onEveryNet('an http server in front of which net listens', ({ net, ours }) => {
  /** On node:net: the server itself. */
  async function listen(server: http.Server, ...args: unknown[]): Promise<number> {
    const listenItself = (): unknown => server.listen(...(args as [number, string]));
    if (ours) listenInFront(net, server, args, listenItself);
    else listenItself();
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function closed(server: http.Server): Promise<void> {
    const gone = once(server, 'close');
    server.close();
    await gone;
  }

  /** A request over a connection of the module, and the text of the answer. */
  async function ask(options: http.RequestOptions, body = ''): Promise<string> {
    const request = http.request({
      host: '127.0.0.1',
      createConnection: (connect) => net.connect(connect as nodeNet.NetConnectOpts),
      ...options,
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.setEncoding('utf8');
    let text = '';
    for await (const piece of response) text += String(piece);
    return text;
  }

  it('answers, with bodies both ways', async () => {
    const server = http.createServer((request, response) => request.pipe(response));
    const port = await listen(server, 0, '127.0.0.1');
    expect(server.listening).to.equal(true);
    expect(server.address()).to.deep.equal({ address: '127.0.0.1', family: 'IPv4', port });
    for (const size of [0, 5, 100_000, 1_000_000]) {
      const body = 'x'.repeat(size);
      expect((await ask({ port, method: 'POST' }, body)) === body, `${size} bytes`).to.equal(true);
    }
    await closed(server);
    expect(server.listening).to.equal(false);
    expect(server.address()).to.equal(null);
  });

  // (What Node's own sockets do depends on the version of its Agent.)
  for (const [what, sent] of [
    ['an answer that nobody has asked for', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'],
    ['the end', null],
  ] as const) {
    it(`a connection that an agent keeps is used no more once ${what} has come`, async function () {
      if (!ours) return this.skip();
      const served: Socket[] = [];
      const server = net.createServer((socket) => {
        served.push(socket);
        socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${served.length}`));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const agent = new http.Agent({ keepAlive: true });
      let kept = new net.Socket();
      const createConnection = (options: object): Socket => {
        kept = net.connect(options as nodeNet.NetConnectOpts);
        return kept;
      };
      Object.assign(agent, { createConnection });
      expect(await ask({ port, agent })).to.equal('1');
      const closed = once(kept, 'close');
      if (sent === null) served[0]?.end();
      else served[0]?.write(sent);
      await closed;
      expect(await ask({ port, agent })).to.equal('2');
      agent.destroy();
      server.close();
      for (const socket of served) socket.destroy();
      await once(server, 'close');
    });
  }

  it('answers a request behind which its client ends the connection', async () => {
    const server = http.createServer((request, response) => {
      request.resume().once('end', () => response.writeHead(200, { Connection: 'close' }).end('bye'));
    });
    const port = await listen(server, 0, '127.0.0.1');
    const client = net.connect(port, '127.0.0.1');
    const chunk = `2710\r\n${'x'.repeat(10_000)}\r\n`;
    client.end(`POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}0\r\n\r\n`);
    expect((await bytesOf(client)).toString()).to.match(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nbye\r\n0\r\n\r\n$/);
    await closed(server);
  });

  for (const [when, sent] of [
    ['at once, as the health check of a balancer is', ''],
    ['in the middle of a request', 'POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf'],
  ] as const) {
    it(`forgets a connection that is reset ${when}, and answers others`, async () => {
      const server = http.createServer((_request, response) => response.end('there'));
      const port = await listen(server, 0, '127.0.0.1');
      const client = net.connect(port, '127.0.0.1');
      const [served] = (await once(server, 'connection')) as [Socket];
      const gone = new Promise((resolve) => served.once('close', resolve)); // not once(): 'error' comes before it
      if (sent !== '') await new Promise((resolve) => client.write(sent, resolve));
      client.resetAndDestroy();
      await gone;
      expect(await ask({ port })).to.equal('there');
      await closed(server); // with nothing that keeps it
    });
  }

  it('answers many requests of one connection', async () => {
    let connections = 0;
    const server = http.createServer((request, response) => response.end(request.url));
    server.on('connection', () => connections++);
    const port = await listen(server, 0, '127.0.0.1');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    Object.assign(agent, { createConnection: (options: nodeNet.NetConnectOpts) => net.connect(options) });
    for (let request = 0; request < 20; request++) {
      expect(await ask({ port, agent, path: `/${request}`, createConnection: undefined })).to.equal(`/${request}`);
    }
    expect(connections).to.equal(1);
    const count = await new Promise((resolve) => server.getConnections((_error, connected) => resolve(connected)));
    expect(count).to.equal(1);
    agent.destroy();
    await closed(server);
  });

  it('upgrades a connection', async () => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    const port = await listen(server, 0, '127.0.0.1');
    const request = http.request({
      port,
      host: '127.0.0.1',
      createConnection: (connect) => net.connect(connect as nodeNet.NetConnectOpts),
      headers: { Connection: 'Upgrade', Upgrade: 'echo' },
    });
    request.end();
    const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket];
    socket.end('hello');
    const [echoed] = (await once(socket, 'data')) as [Buffer];
    expect(echoed.toString()).to.equal('hello');
    await once(socket.resume(), 'close');
    await closed(server);
  });

  it('says that the port is in use, and listens elsewhere', async () => {
    const first = http.createServer();
    const port = await listen(first, 0, '127.0.0.1');
    const second = http.createServer();
    const failed = once(second, 'error');
    const listening = listen(second, port, '127.0.0.1').catch(() => undefined);
    expect((await failed)[0]).to.include({ code: 'EADDRINUSE', port });
    await listening;
    await listen(second, 0, '127.0.0.1');
    await closed(second);
    await closed(first);
  });

  it('is closed by its server, also before its host is looked up', async () => {
    const server = http.createServer();
    const listening = listen(server, 0, 'localhost').catch(() => undefined);
    await closed(server);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.listening).to.equal(false);
    void listening;
    const again = http.createServer((_request, response) => response.end('there'));
    const port = await listen(again, 0);
    expect(await ask({ port })).to.equal('there');
    await closed(again);
  });
});
