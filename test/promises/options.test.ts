/** What is set on sockets: their options, and whether they keep the process alive. */
import { expect } from 'chai';
import net from 'node:net';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_NODELAY } from '../../ffi/constants.ts';
import { networkOn, type Network } from '../../src/promises/network.ts';
import { nodeSockets } from '../../src/promises/sockets/node-sockets.ts';
import { simulate } from '../../src/simulation/index.ts';
import { besideTests, runNode, testsInPairs } from '../support/child.ts';

/** Sets every option on the client's side, and once more when that is closed. */
async function setAll({ listen, connect }: Pick<Network, 'listen' | 'connect'>): Promise<void> {
  const server = await listen();
  const client = await connect({ port: server.port });
  client.setNoDelay();
  client.setNoDelay(false);
  client.setKeepAlive(true, 5);
  client.setKeepAlive(false);
  await client.reset();
  client.setNoDelay();
  client.setKeepAlive();
  await server.close();
}

describe('promises: the options of a connection', () => {
  it('are set with setsockopt on a PAL, while it is open', async () => {
    const simulation = simulate({ trace: true });
    await setAll(simulation);
    await simulation.close();
    const trace = simulation.platform.network.trace();
    const setting = (level: number, option: number): number =>
      trace.match(new RegExp(`setsockopt\\(\\d+, ${level}, ${option},`, 'g'))?.length ?? 0;
    expect(setting(IPPROTO_TCP, TCP_NODELAY)).to.equal(2);
    expect(setting(SOL_SOCKET, SO_KEEPALIVE)).to.equal(2);
  });

  it('are those of node:net elsewhere, while it is open', async function () {
    if (process.platform === 'win32') return this.skip();
    const asked: unknown[][] = [];
    // eslint-disable-next-line @typescript-eslint/unbound-method -- they are called with a socket, and put back
    const { setNoDelay, setKeepAlive } = net.Socket.prototype;
    net.Socket.prototype.setNoDelay = function (...args) {
      asked.push(['setNoDelay', ...args]);
      return setNoDelay.apply(this, args);
    };
    net.Socket.prototype.setKeepAlive = function (...args: unknown[]) {
      asked.push(['setKeepAlive', ...args]);
      return setKeepAlive.apply(this, args as []);
    };
    try {
      await setAll(networkOn(nodeSockets));
    } finally {
      Object.assign(net.Socket.prototype, { setNoDelay, setKeepAlive });
    }
    expect(asked).to.deep.equal([
      ['setNoDelay', true],
      ['setNoDelay', false],
      ['setKeepAlive', true, 5000],
      ['setKeepAlive', false, 0],
    ]);
  });
});

describe('promises: a process with pending calls', () => {
  const test = testsInPairs();
  const script = fileURLToPath(besideTests('../promises/children/unreferenced'));
  // With what lets this process run TypeScript.
  const start = (referenced: string) => () => runNode([...process.execArgv, script, referenced]);

  test('ends when no socket is referenced', start('none'), ({ code, stdout, stderr }) => {
    expect({ code, stdout: stdout.trim(), stderr }).to.deep.equal({ code: 0, stdout: 'ending', stderr: '' });
  });

  for (const referenced of ['client', 'served', 'server', 'datagrams']) {
    test(`lives while ${referenced} is referenced again`, start(referenced), ({ code, stdout, stderr }) => {
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout).to.include(`${referenced}: its call came back`);
    });
  }
});
