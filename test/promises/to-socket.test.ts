/** connection.toSocket(): a net.Socket of a connection, for code that takes one. */
import { expect } from 'chai';
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import type { Connection } from '../../src/promises/index.ts';
import { seededBytes } from '../support/bytes.ts';
import { connected, failureOf, onEveryNetwork } from '../support/networks.ts';

async function bytesOf(items: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const item of items) chunks.push(item as Buffer);
  return Buffer.concat(chunks);
}

onEveryNetwork('promises: toSocket()', (fixture) => {
  it('gives first what had come and was not read, then what comes, and writes behind what was written', async () => {
    const { server, client, served } = await connected(fixture);
    await client.write('first line\nheld ');
    expect(String(await served.readUntil('\n'))).to.equal('first line\n');
    await served.write('written before, ');
    const socket = await served.toSocket();
    expect(socket.remotePort).to.equal(client.local.port);
    socket.write('written behind');
    await client.write('and new');
    await client.closeWrite();
    expect(String(await bytesOf(socket))).to.equal('held and new');
    // allowHalfOpen is false, as node:net has it: the end of the peer is the end of both.
    expect(String(await bytesOf(client))).to.equal('written before, written behind');
    await Promise.all([served.close(), client.close(), server.close()]);
  });

  it('gives what is left of a stream whose end has come, and then the end', async () => {
    const { server, client, served } = await connected(fixture);
    await client.write('abcdef');
    await client.closeWrite();
    expect(String(await served.readExactly(2))).to.equal('ab');
    const socket = await served.toSocket();
    expect(String(await bytesOf(socket))).to.equal('cdef');
    await Promise.all([served.close(), client.close(), server.close()]);
  });

  it('carries a MiB each way, for whoever listens to data', async () => {
    const { server, client, served } = await connected(fixture);
    const socket = await served.toSocket();
    socket.pipe(socket);
    const sent = seededBytes(1024 * 1024, 3);
    const reading = client.readExactly(sent.length);
    for (let at = 0; at < sent.length; at += 50_000) await client.write(sent.subarray(at, at + 50_000));
    expect((await reading)?.equals(sent)).to.equal(true);
    await client.closeWrite();
    expect(await client.readExactly(1)).to.equal(null);
    await Promise.all([served.close(), client.close(), server.close()]);
  });

  it('is served by http, behind a line that the connection has read', async () => {
    const { server, client, served } = await connected(fixture);
    const web = http.createServer((request, response) => {
      request.resume().on('end', () => response.end(`you asked for ${request.url}`));
    });
    await client.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /one HTTP/1.1\r\nHost: x\r\n\r\n');
    await served.readUntil('\r\n');
    web.emit('connection', await served.toSocket());
    const answer = async (): Promise<string> => {
      const head = String(await client.readUntil('\r\n\r\n'));
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      return String(await client.readExactly(length));
    };
    expect(await answer()).to.equal('you asked for /one');
    await client.write('GET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await answer()).to.equal('you asked for /two');
    expect(await client.readExactly(1)).to.equal(null);
    await Promise.all([served.close(), client.close(), server.close()]);
  });

  it('leaves nothing to the connection: its calls are rejected as after close()', async () => {
    const { server, client, served } = await connected(fixture);
    const socket = await served.toSocket();
    expect(served.isClosed).to.equal(true);
    for (const call of [served.read(Buffer.alloc(1)), served.write('x'), served.closeWrite(), served.toSocket()]) {
      expect((await failureOf(call)).code).to.equal('ECANCELED');
    }
    socket.end('still open');
    expect(String(await bytesOf(client))).to.equal('still open');
    const closing = served.close();
    await client.close();
    await bytesOf(socket);
    await closing; // when the socket is closed
    await server.close();
  });

  it('is refused while a read is under way, which goes on', async () => {
    const { server, client, served } = await connected(fixture);
    const reading = served.readExactly(3);
    expect((await failureOf(served.toSocket())).code).to.equal('ERR_READ_UNDER_WAY');
    await client.write('abc');
    expect(String(await reading)).to.equal('abc');
    await Promise.all([served.close(), client.close(), server.close()]);
  });

  it('is refused when the end of the stream was read, in each way, and when the connection is closed', async () => {
    for (const readEnd of [
      (connection: Connection) => connection.read(Buffer.alloc(1)),
      (connection: Connection) => connection.readExactly(1),
      (connection: Connection) => connection.readUntil('\n'),
      (connection: Connection) => connection.chunks().next(),
    ]) {
      const { server, client, served } = await connected(fixture);
      await client.closeWrite();
      await readEnd(served);
      expect((await failureOf(served.toSocket())).code).to.equal('ERR_END_WAS_READ');
      await served.write('the connection goes on');
      await served.close();
      expect((await failureOf(served.toSocket())).code).to.equal('ECANCELED');
      expect(String(await bytesOf(client))).to.equal('the connection goes on');
      await Promise.all([client.close(), server.close()]);
    }
  });

  it('cannot write behind closeWrite(), and reads on', async () => {
    const { server, client, served } = await connected(fixture);
    await served.closeWrite();
    const socket = await served.toSocket();
    expect(socket.writable).to.equal(false);
    await client.write('a question');
    await client.closeWrite();
    expect(String(await bytesOf(socket))).to.equal('a question');
    await Promise.all([served.close(), client.close(), server.close()]);
  });

  it('writes behind a file that is being sent', async () => {
    const { server, client, served } = await connected(fixture);
    const bytes = seededBytes(300_000, 9);
    const sending = served.sendFile(fixture.putFile('given-away.bin', bytes));
    const reading = bytesOf(client);
    const socket = await served.toSocket();
    socket.end('behind it');
    expect(await sending).to.equal(bytes.length);
    expect((await reading).equals(Buffer.concat([bytes, Buffer.from('behind it')]))).to.equal(true);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('is rejected when reset() comes meanwhile, which ends what it has made', async () => {
    const { server, client, served } = await connected(fixture);
    const reading = failureOf(client.read(Buffer.alloc(1)));
    const making = failureOf(served.toSocket());
    await served.reset();
    expect((await making).code).to.equal('ECANCELED');
    await served.close();
    expect((await reading).code).to.equal('ECONNRESET');
    await Promise.all([client.close(), server.close()]);
  });

  it('is rejected when reset() comes while a file in front of it is sent', async () => {
    const { server, client, served } = await connected(fixture);
    const sending = failureOf(served.sendFile(fixture.putFile('never-sent.bin', seededBytes(300_000, 9))));
    const making = failureOf(served.toSocket());
    await served.reset();
    expect((await making).code).to.equal('ECANCELED');
    await sending;
    await Promise.all([client.reset(), server.close()]);
  });

  it('is not closed behind a handler of serve(), and counts until the socket is closed', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const sockets: Socket[] = [];
    const serving = server.serve(async (connection) => sockets.push(await connection.toSocket()));
    const client = await network.connect({ port: server.port });
    while (sockets.length === 0) await new Promise(setImmediate);
    const [socket] = sockets as [Socket];
    socket.write('hello');
    expect(String(await client.readExactly(5))).to.equal('hello');
    expect(server.connections).to.equal(1);
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    while (server.connections > 0) await new Promise(setImmediate);
    await Promise.all([client.close(), server.close()]);
    await serving;
  });

  it('is reset with its server when the time for closing is over', async () => {
    const { server, client, served } = await connected(fixture);
    const socket = await served.toSocket();
    const closed = once(socket, 'close');
    const reading = failureOf(client.readExactly(1));
    await server.close({ timeout: 1 });
    expect((await reading).code).to.equal('ECONNRESET');
    await closed;
    await client.close();
  });
});
