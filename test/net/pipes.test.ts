/** Pipes, which are Node's own: what listens on one, and a socket that was there before anybody said that it should be one. */
import { once } from 'node:events';
import nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { bytesOf, eventsOf } from './support/sockets.ts';
import { remove } from '../../scripts/remove.mjs';
import type { Server } from 'node:net';

let count = 0;

/** A pipe of Windows, or what takes its place elsewhere. */
function newPipe(): string {
  const name = `iocp-pal-${process.pid}-${count++}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(tmpdir(), name);
}

onEveryNet('net, a pipe', ({ net }) => {
  let pipe: string;
  let server: Server;

  beforeEach(async () => {
    pipe = newPipe();
    server = net.createServer((socket) => socket.pipe(socket)).listen(pipe);
    await once(server, 'listening');
  });

  afterEach(async () => {
    server.close();
    await once(server, 'close');
    remove(pipe);
  });

  for (const [how, connect] of [
    ['net.connect(path)', () => net.connect(pipe)],
    ['connect(path) of a socket', () => new net.Socket().connect(pipe)],
    ['connect({ path }) of a socket', () => new net.Socket().connect({ path: pipe })],
  ] as const) {
    it(`is connected to by ${how}`, async () => {
      const client = connect();
      expect(client.connecting).to.equal(true);
      const events = eventsOf(client, ['lookup', 'connectionAttempt', 'connect', 'ready', 'end', 'finish', 'close']);
      const closed = once(client, 'close');
      const sent = Buffer.alloc(300_000, 'through a pipe');
      client.write(sent.subarray(0, 7));
      client.end(sent.subarray(7));
      const got = await bytesOf(client);
      expect(got.equals(sent), `${got.length} bytes`).to.equal(true);
      await closed;
      expect(events.filter((name) => name !== 'finish')).to.deep.equal(['connect', 'ready', 'end', 'close false']);
      expect(client.bytesRead).to.equal(sent.length);
      expect(client.remoteAddress).to.equal(undefined);
    });
  }

  it('is under an object of a class that inherits, which is made with a native handle and keeps its methods', async () => {
    class Titled extends net.Socket {
      readonly title = 'of my own';
      override setTimeout(ms: number): this {
        return super.setTimeout(ms + 1);
      }
    }
    const raw = nodeNet.connect(pipe).pause();
    await once(raw, 'connect');
    const { _handle: handle } = raw as unknown as { _handle: object };
    const client = new Titled({ handle, readable: true, writable: true } as object);
    expect([client.title, client.setTimeout(1000).timeout]).to.deep.equal(['of my own', 1001]);
    expect(client).to.be.instanceOf(Titled).and.instanceOf(net.Socket);
    expect([client.pending, client.readyState]).to.deep.equal([false, 'open']);
    const closed = once(client, 'close');
    client.end('through its handle');
    expect(String(await bytesOf(client))).to.equal('through its handle');
    await closed;
  });

  it('gives its bytes into memory of the user', async () => {
    const got: string[] = [];
    const onread = {
      buffer: Buffer.alloc(4),
      callback: (bytes: number, buffer: Uint8Array) => {
        got.push(Buffer.from(buffer.subarray(0, bytes)).toString());
        return true;
      },
    };
    const client = new net.Socket({ onread } as object).connect(pipe);
    client.end('0123456789');
    await once(client, 'close');
    expect(got.join('')).to.equal('0123456789');
    expect(got.every((piece) => piece.length <= 4)).to.equal(true);
  });

  it('is not read while the socket is paused', async () => {
    const client = new net.Socket().connect(pipe);
    await once(client, 'connect');
    const first = once(client, 'data');
    client.write('first');
    await first;
    client.pause();
    client.on('data', () => expect.fail('read while it was paused'));
    client.write('second', () => {
      client.removeAllListeners('data');
      client.resume().end();
    });
    await once(client, 'close');
  });

  it('has the server that it came to', async () => {
    const accepted = once(server, 'connection') as Promise<[{ server?: unknown }]>;
    const client = net.connect(pipe);
    const [socket] = await accepted;
    expect(socket.server).to.equal(server);
    client.destroy();
    await once(client, 'close');
  });

  it("that nobody listens on gives the system's error", async () => {
    const client = new net.Socket().connect(newPipe());
    const closed = new Promise((resolve) => client.once('close', resolve));
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).to.equal('ENOENT');
    expect(error.syscall).to.equal('connect');
    await closed;
  });
});
