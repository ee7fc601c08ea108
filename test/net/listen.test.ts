/** Where a server listens: what only Node.js understands is given to it, and what nobody understands is refused by it. */
import { once } from 'node:events';
import nodeNet from 'node:net';
import { expect } from 'chai';
import { useThreadPal } from '../../src/node-shape/thread-pal.ts';
import { windowsNet } from '../../src/net/windows-net.ts';
import { onEveryNet } from './support/net-beds.ts';
import type { NetworkPal } from '../../src/index.ts';

onEveryNet('net, where a server listens', ({ net }) => {
  for (const [what, args, code] of [
    ['a port that is none', [65_536], 'ERR_SOCKET_BAD_PORT'],
    ['a port of another type', [{ port: true }], 'ERR_INVALID_ARG_VALUE'],
    ['options without a place', [{}], 'ERR_INVALID_ARG_VALUE'],
    ['a signal that is none', [{ port: 0, signal: 'INVALID' }], 'ERR_INVALID_ARG_TYPE'],
    ['a boolean', [true], 'ERR_INVALID_ARG_VALUE'],
  ] as const) {
    it(`refuses ${what} with ${code}, and can listen afterwards`, async () => {
      const server = net.createServer();
      expect(() => server.listen(...(args as unknown as [])))
        .to.throw()
        .with.property('code', code);
      expect(server.listening).to.equal(false);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
    });
  }

  it('says what it was asked for, as Node.js writes it down', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(Reflect.get(server, '_connectionKey')).to.equal('4:127.0.0.1:0');
    server.close();
    await once(server, 'close');
  });

  it("listens on another server's native handle", async () => {
    const first = nodeNet.createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const second = net.createServer((socket) => socket.end('here'));
    second.listen(Reflect.get(first, '_handle') as object);
    await once(second, 'listening');
    expect(second.address()).to.deep.equal(first.address());
    second.close();
    await once(second, 'close');
  });
});

describe('net, a server whose PAL cannot listen', () => {
  it('emits what is no error of the system as it is: its message says what to do', async () => {
    const reason = new TypeError('There is no koffi here');
    const createServer = (): never => {
      throw reason;
    };
    useThreadPal({ isRunning: () => true, createServer } as unknown as NetworkPal);
    const server = windowsNet.createServer().listen(0);
    const [error] = (await once(server, 'error')) as [Error];
    expect(error).to.equal(reason);
    expect(server.listening).to.equal(false);
  });
});
