/** Connecting: the forms of connect(), lookups, attempts, and what fails. */
import { once } from 'node:events';
import { BlockList, type LookupFunction, type Socket } from 'node:net';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { ended, eventsOf, failureOf, listening, pairOf, portOf } from './support/sockets.ts';

/** Where nothing listens: a server's port, once it has closed. */
async function closedPort(net: typeof import('node:net')): Promise<number> {
  const server = await listening(net);
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Answers like dns.lookup, with these addresses. */
function answering(...found: { address: string; family: number }[]): LookupFunction {
  return (_host, options, callback) => {
    process.nextTick(() => {
      if (options.all === true) callback(null, found);
      else callback(null, found[0]?.address ?? '', found[0]?.family);
    });
  };
}

onEveryNet('net, connecting', ({ net }) => {
  const attempts = ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout'];

  for (const [form, connect] of [
    ['a port', (port: number) => net.connect(port)],
    ['a port and a host', (port: number) => net.connect(port, '127.0.0.1')],
    ['a port as text', (port: number) => net.connect(String(port) as unknown as number, 'localhost')],
    ['options', (port: number) => net.connect({ port, host: '127.0.0.1' })],
    ['a socket of its own', (port: number) => new net.Socket().connect({ port })],
    ['a constructor without new', (port: number) => (net.Socket as unknown as () => Socket)().connect(port)],
  ] as const) {
    it(`takes ${form}`, async () => {
      const server = await listening(net);
      const client = connect(portOf(server));
      expect(client.connecting).to.equal(true);
      expect(client.pending).to.equal(true);
      expect(client.readyState).to.equal('opening');
      await once(client, 'connect');
      expect(client.readyState).to.equal('open');
      expect(client.pending).to.equal(false);
      expect(client.remotePort).to.equal(portOf(server));
      expect(client.remoteAddress).to.equal('127.0.0.1');
      expect(client.remoteFamily).to.equal('IPv4');
      expect(client.address()).to.deep.equal({
        address: client.localAddress,
        family: client.localFamily,
        port: client.localPort,
      });
      client.destroy();
      await once(client, 'close');
      server.close();
      await once(server, 'close');
    });
  }

  it('calls back once it is connected', async () => {
    const server = await listening(net);
    const client = await new Promise<Socket>((resolve) => {
      net.connect({ port: portOf(server), host: '127.0.0.1' }, function (this: Socket) {
        resolve(this);
      });
    });
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  it('says who refused it', async () => {
    const port = await closedPort(net);
    const client = net.connect(port, '127.0.0.1');
    const events = eventsOf(client, [...attempts, 'error', 'close']);
    const error = await failureOf(client);
    expect(error.message).to.equal(`connect ECONNREFUSED 127.0.0.1:${port}`);
    expect(error).to.include({ code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port });
    expect(error.errno).to.be.a('number').below(0);
    await once(client, 'close');
    expect(events).to.deep.equal(['connectionAttempt', 'connectionAttemptFailed', 'error', 'close true']);
    expect(client.destroyed).to.equal(true);
    expect(client.connecting).to.equal(false);
  });

  it('refuses options that make no sense, in Node’s words', () => {
    for (const [options, code] of [
      [{ port: 65_536 }, 'ERR_SOCKET_BAD_PORT'],
      [{ port: -1 }, 'ERR_SOCKET_BAD_PORT'],
      [{ port: true }, 'ERR_INVALID_ARG_TYPE'],
      [{ port: 80, host: 5 }, 'ERR_INVALID_ARG_TYPE'],
      [{ port: 80, localAddress: 'nobody' }, 'ERR_INVALID_IP_ADDRESS'],
      [{ port: 80, localPort: '5' }, 'ERR_INVALID_ARG_TYPE'],
      [{ port: 80, lookup: 'dns' }, 'ERR_INVALID_ARG_TYPE'],
      [{ port: 80, autoSelectFamily: 'yes' }, 'ERR_INVALID_ARG_TYPE'],
      [{ port: 80, autoSelectFamilyAttemptTimeout: 0 }, 'ERR_OUT_OF_RANGE'],
      [{}, 'ERR_MISSING_ARGS'],
    ] as const) {
      const socket = new net.Socket();
      expect(() => socket.connect(options as never), JSON.stringify(options))
        .to.throw()
        .with.property('code', code);
      socket.destroy();
    }
  });

  it('refuses streams of objects', () => {
    for (const option of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
      expect(() => new net.Socket({ [option]: true }))
        .to.throw(`options.${option}`)
        .with.property('code', 'ERR_INVALID_ARG_VALUE');
    }
  });

  it('binds the end here', async () => {
    const port = await closedPort(net);
    const pair = await pairOf(net, { client: { localAddress: '127.0.0.1', localPort: port } as object });
    expect(pair.client.localPort).to.equal(port);
    expect(pair.served.remotePort).to.equal(port);
    await ended(pair);
  });

  it('asks the lookup that it is given, and says what it found', async () => {
    const server = await listening(net);
    const client = net.connect({
      port: portOf(server),
      host: 'a.name',
      lookup: answering({ address: '127.0.0.1', family: 4 }),
    });
    const lookups: unknown[] = [];
    client.on('lookup', (...found: unknown[]) => lookups.push(found));
    await once(client, 'connect');
    expect(lookups).to.deep.equal([[null, '127.0.0.1', 4, 'a.name']]);
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  it('fails with the error of the lookup', async () => {
    const failed = Object.assign(new Error('nobody knows'), { code: 'ENOTFOUND' });
    const client = net.connect({
      port: 80,
      host: 'a.name',
      lookup: (_host, _options, done) => process.nextTick(done, failed, '', 0),
    });
    const events = eventsOf(client, [...attempts, 'error', 'close']);
    expect(await failureOf(client)).to.equal(failed);
    await once(client, 'close');
    expect(events).to.deep.equal(['lookup', 'error', 'close true']);
  });

  for (const family of [0, 4] as const) {
    it(`fails when the lookup gives no address (family ${family})`, async () => {
      const lookup = answering({ address: 'nowhere', family: 4 });
      const client = net.connect({ port: 80, host: 'a.name', family, lookup });
      const error = await failureOf(client);
      expect(error).to.include({ code: 'ERR_INVALID_IP_ADDRESS', message: 'Invalid IP address: nowhere' });
      expect(error).to.be.instanceOf(TypeError);
      expect(error.stack).to.match(/^TypeError \[ERR_INVALID_IP_ADDRESS\]: Invalid/);
    });

    it(`fails when the lookup gives an address of no family (family ${family})`, async () => {
      const lookup = answering({ address: '127.0.0.1', family: 100 });
      const client = net.connect({ port: 80, host: 'a.name', family, lookup });
      expect(await failureOf(client)).to.include({ code: 'ERR_INVALID_ADDRESS_FAMILY', port: 80 });
    });
  }

  it('tries the next address when one refuses', async () => {
    const server = await listening(net);
    const port = portOf(server);
    const lookup = answering({ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 });
    const client = net.connect({ port, host: 'a.name', lookup, autoSelectFamily: true });
    const events = eventsOf(client, attempts);
    await once(client, 'connect');
    expect(client.remoteAddress).to.equal('127.0.0.1');
    expect(client.autoSelectFamilyAttemptedAddresses).to.deep.equal([`::1:${port}`, `127.0.0.1:${port}`]);
    expect(events).to.deep.equal([
      'lookup',
      'lookup',
      'connectionAttempt',
      'connectionAttemptFailed',
      'connectionAttempt',
    ]);
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  it('fails with every error when all addresses refuse', async () => {
    const port = await closedPort(net);
    const lookup = answering({ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 });
    const client = net.connect({ port, host: 'a.name', lookup, autoSelectFamily: true });
    const error = (await failureOf(client)) as unknown as AggregateError & { code: string };
    expect(error).to.be.instanceOf(AggregateError);
    expect(error.errors).to.have.length(2);
    expect(error.code).to.equal((error.errors[0] as NodeJS.ErrnoException).code);
    expect((error.errors[0] as Error).message).to.equal(`connect ECONNREFUSED 127.0.0.1:${port}`);
  });

  it('connects to nobody on a block list', async () => {
    const blockList = new BlockList();
    blockList.addAddress('127.0.0.1');
    const client = net.connect({ port: 80, host: '127.0.0.1', blockList } as never);
    // Before Node.js 22.13 sockets knew no block lists.
    if ((client as { blockList?: unknown }).blockList === undefined) {
      client.on('error', () => undefined).destroy();
      return;
    }
    expect(await failureOf(client)).to.have.property('code', 'ERR_IP_BLOCKED');
  });

  it('ends without an error when it is destroyed at once', async () => {
    const server = await listening(net);
    const client = net.connect(portOf(server), '127.0.0.1');
    const events = eventsOf(client, ['connect', 'error', 'close']);
    client.destroy();
    await once(client, 'close');
    expect(events).to.deep.equal(['close false']);
    server.close();
    await once(server, 'close');
  });

  it('ends when its signal is aborted', async () => {
    const server = await listening(net);
    const controller = new AbortController();
    const client = net.connect({ port: portOf(server), host: '127.0.0.1', signal: controller.signal });
    controller.abort();
    expect(await failureOf(client)).to.have.property('code', 'ABORT_ERR');
    server.close();
    await once(server, 'close');
  });

  it('connects again after it was destroyed', async () => {
    const server = await listening(net);
    server.on('connection', (socket) => socket.end('hello'));
    const client = net.connect(portOf(server), '127.0.0.1');
    for (const round of [1, 2, 3]) {
      let text = '';
      client.on('data', (chunk: Buffer) => (text += String(chunk)));
      await once(client, 'close');
      expect(text, `round ${round}`).to.equal('hello');
      expect(client.bytesRead).to.equal(5);
      client.removeAllListeners('data');
      if (round < 3) client.connect(portOf(server), '127.0.0.1');
    }
    server.close();
    await once(server, 'close');
  });

  it('sends what is written before it is connected', async () => {
    const server = await listening(net);
    const client = net.connect(portOf(server), '127.0.0.1');
    client.write('first,');
    expect(client.bytesWritten).to.equal(6);
    client.end('second');
    expect(client.bytesWritten).to.equal(12);
    const [served] = (await once(server, 'connection')) as [Socket];
    const chunks: Buffer[] = [];
    for await (const chunk of served) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).to.equal('first,second');
    server.close();
    await once(server, 'close');
  });

  it('tells a write that it was closed before it was connected', async () => {
    const server = await listening(net);
    const client = net.connect(portOf(server), '127.0.0.1');
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      client.write('never', (failure) => resolve(failure as NodeJS.ErrnoException));
      client.destroy();
    });
    expect(error.code).to.equal('ERR_SOCKET_CLOSED_BEFORE_CONNECTION');
    server.close();
    await once(server, 'close');
  });
});
