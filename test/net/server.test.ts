/** Servers: the forms of listen(), their ends, and whom they refuse. */
import { once } from 'node:events';
import { BlockList, type AddressInfo, type DropArgument, type ListenOptions, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { eventsOf, failureOf, listening, portOf } from './support/sockets.ts';

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

onEveryNet('net, servers', ({ net }) => {
  for (const [form, listen] of [
    ['nothing', (server: Server) => server.listen()],
    ['a callback', (server: Server) => server.listen(() => undefined)],
    ['null', (server: Server) => server.listen(null as never)],
    ['port 0', (server: Server) => server.listen(0)],
    ['a port as text', (server: Server) => server.listen('0' as never)],
    ['a port and a host', (server: Server) => server.listen(0, '127.0.0.1')],
    ['a port, a host and a backlog', (server: Server) => server.listen(0, '127.0.0.1', 100)],
    ['a port and a backlog', (server: Server) => server.listen(0, 100)],
    ['options', (server: Server) => server.listen({ port: 0, host: 'localhost', backlog: 5, exclusive: true })],
    ['options without a port that is one', (server: Server) => server.listen({ port: undefined })],
  ] as const) {
    it(`listen() takes ${form}`, async () => {
      const server = net.createServer();
      expect(server.listening).to.equal(false);
      expect(server.address()).to.equal(null);
      expect(listen(server)).to.equal(server);
      await once(server, 'listening');
      expect(server.listening).to.equal(true);
      const { address, family, port } = server.address() as AddressInfo;
      expect(port).to.be.within(1, 65_535);
      expect(family).to.equal(net.isIPv6(address) ? 'IPv6' : 'IPv4');
      await closed(server);
      expect(server.listening).to.equal(false);
      expect(server.address()).to.equal(null);
    });
  }

  it('calls the callback of listen() once', async () => {
    const server = net.createServer();
    let calls = 0;
    server.listen(0, '127.0.0.1', () => calls++);
    await once(server, 'listening');
    await closed(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await closed(server);
    expect(calls).to.equal(1);
  });

  it('refuses arguments that make no sense, in Node’s words', () => {
    for (const [args, code] of [
      [[65_536], 'ERR_SOCKET_BAD_PORT'],
      [[-1], 'ERR_SOCKET_BAD_PORT'],
      [[{ port: 1.5 }], 'ERR_SOCKET_BAD_PORT'],
      [[{}], 'ERR_INVALID_ARG_VALUE'],
      [[{ fd: -1 }], 'ERR_INVALID_ARG_VALUE'],
      [[{ port: false }], 'ERR_INVALID_ARG_VALUE'],
      [[{ port: 0, signal: 'INVALID_SIGNAL' }], 'ERR_INVALID_ARG_TYPE'],
    ] as const) {
      const server = net.createServer();
      expect(() => server.listen(...(args as unknown as [ListenOptions])), JSON.stringify(args))
        .to.throw()
        .with.property('code', code);
    }
    for (const options of ['text', 5]) {
      expect(() => net.createServer(options as never))
        .to.throw()
        .with.property('code', 'ERR_INVALID_ARG_TYPE');
    }
  });

  it('says that the port is in use', async () => {
    const first = await listening(net);
    const port = portOf(first);
    const second = net.createServer();
    second.listen(port, '127.0.0.1');
    const error = await failureOf(second);
    expect(error.message).to.equal(`listen EADDRINUSE: address already in use 127.0.0.1:${port}`);
    expect(error).to.include({ code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port });
    expect(second.listening).to.equal(false);
    // And can be had elsewhere.
    second.listen(0, '127.0.0.1');
    await once(second, 'listening');
    await closed(second);
    await closed(first);
  });

  it('listens once at a time', async () => {
    const server = await listening(net);
    expect(() => server.listen(0))
      .to.throw('Listen method has been called more than once without closing.')
      .with.property('code', 'ERR_SERVER_ALREADY_LISTEN');
    await closed(server);
  });

  it('tells close() that it does not listen', async () => {
    const server = net.createServer();
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => server.close(resolve));
    expect(error?.message).to.equal('Server is not running.');
    expect(error?.code).to.equal('ERR_SERVER_NOT_RUNNING');
  });

  it('does not listen when it is closed before its host is looked up', async () => {
    const server = net.createServer();
    const events = eventsOf(server, ['listening', 'error', 'close']);
    server.listen(0, 'localhost');
    await closed(server);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(events).to.deep.equal(['close undefined'].map(() => 'close'));
  });

  it('is closed when its last connection has ended, and accepts nobody meanwhile', async () => {
    const server = await listening(net);
    const port = portOf(server);
    const client = net.connect(port, '127.0.0.1');
    const [served] = (await once(server, 'connection')) as [Socket];
    const events = eventsOf(server, ['close']);
    server.close();
    expect(server.listening).to.equal(false);
    const late = net.connect(port, '127.0.0.1');
    expect(await failureOf(late))
      .to.have.property('code')
      .that.is.oneOf(['ECONNREFUSED', 'ECONNRESET']);
    expect(events).to.deep.equal([]);
    client.destroy();
    served.destroy();
    await once(server, 'close');
  });

  it('counts its connections', async () => {
    const server = await listening(net);
    const count = (): Promise<number> =>
      new Promise((resolve, reject) =>
        server.getConnections((error, connections) => (error === null ? resolve(connections) : reject(error))),
      );
    expect(await count()).to.equal(0);
    const clients = [1, 2, 3].map(() => net.connect(portOf(server), '127.0.0.1'));
    const served: Socket[] = [];
    server.on('connection', (socket) => served.push(socket));
    while (served.length < 3) await once(server, 'connection');
    expect(await count()).to.equal(3);
    for (const socket of [...clients, ...served]) socket.destroy();
    await closed(server);
    expect(await count()).to.equal(0);
  });

  it('drops connections beyond maxConnections, and says whose', async () => {
    const server = await listening(net);
    server.maxConnections = 1;
    const first = net.connect(portOf(server), '127.0.0.1');
    const [served] = (await once(server, 'connection')) as [Socket];
    const second = net.connect(portOf(server), '127.0.0.1');
    let portOfSecond: number | undefined;
    second.once('connect', () => (portOfSecond = second.localPort));
    const [[dropped]] = (await Promise.all([once(server, 'drop'), once(second, 'connect')])) as [
      [DropArgument],
      unknown,
    ];
    expect(dropped).to.deep.include({
      localAddress: '127.0.0.1',
      localPort: portOf(server),
      localFamily: 'IPv4',
      remoteAddress: '127.0.0.1',
      remotePort: portOfSecond,
      remoteFamily: 'IPv4',
    });
    second.resume().on('error', () => undefined);
    await once(second, 'close');
    served.destroy();
    await once(first.resume(), 'close');
    // There is room again.
    const third = net.connect(portOf(server), '127.0.0.1');
    const [again] = (await once(server, 'connection')) as [Socket];
    again.destroy();
    third.resume();
    await Promise.all([once(third, 'close'), closed(server)]);
  });

  it('takes nobody on its block list', async () => {
    const blockList = new BlockList();
    blockList.addAddress('127.0.0.1');
    const server = net.createServer({ blockList } as object);
    // Before Node.js 22.13 servers knew no block lists.
    if ((server as { blockList?: unknown }).blockList === undefined) return;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const events = eventsOf(server, ['connection']);
    const client = net.connect(portOf(server), '127.0.0.1');
    client.resume().on('error', () => undefined);
    await once(client, 'close');
    await closed(server);
    expect(events).to.deep.equal([]);
  });

  it('closes when its signal is aborted', async () => {
    const controller = new AbortController();
    const server = net.createServer();
    server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
    await once(server, 'listening');
    const gone = once(server, 'close');
    controller.abort();
    await gone;
    expect(server.listening).to.equal(false);
  });

  it('does not listen with a signal that is aborted already', async () => {
    const server = net.createServer();
    server.listen({ port: 0, signal: AbortSignal.abort() });
    await once(server, 'close');
    expect(server.listening).to.equal(false);
  });

  it('can be disposed of', async () => {
    const server = await listening(net);
    await server[Symbol.asyncDispose]();
    expect(server.listening).to.equal(false);
    await server[Symbol.asyncDispose]();
  });

  it('gives its options to the sockets', async () => {
    const server = await listening(net, {
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 1000,
      highWaterMark: 12_345,
    });
    const client = net.connect(portOf(server), '127.0.0.1');
    client.end('waits');
    const [served] = (await once(server, 'connection')) as [Socket];
    expect(served.allowHalfOpen).to.equal(true);
    expect(served.isPaused()).to.equal(true);
    expect(served.readableHighWaterMark).to.equal(12_345);
    expect(served.writableHighWaterMark).to.equal(12_345);
    expect((served as Socket & { server: unknown }).server).to.equal(server);
    served.resume();
    await once(served, 'end');
    expect(served.writable).to.equal(true);
    served.end();
    client.resume();
    await closed(server);
  });

  it('destroys the socket whose listener has rejected', async () => {
    const { EventEmitter } = await import('node:events');
    EventEmitter.captureRejections = true;
    try {
      const server = await listening(net);
      const failed = new Error('the listener failed');
      const errors: unknown[] = [];
      server.on('connection', async (socket) => {
        socket.on('error', (error) => errors.push(error));
        await Promise.reject(failed);
      });
      const client = net.connect(portOf(server), '127.0.0.1');
      client.resume().on('error', () => undefined);
      await once(client, 'close');
      expect(errors).to.deep.equal([failed]);
      await closed(server);
    } finally {
      EventEmitter.captureRejections = false;
    }
  });

  it('is an instance of its class, with and without new', () => {
    const server = (net.Server as unknown as () => Server)();
    expect(server).to.be.instanceOf(net.Server);
    class MyServer extends net.Server {}
    expect(new MyServer()).to.be.instanceOf(MyServer).and.instanceOf(net.Server);
    expect(server instanceof MyServer).to.equal(false);
  });
});
