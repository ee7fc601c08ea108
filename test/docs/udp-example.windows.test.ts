/** docs/examples/udp-echo.ts does what it says. */
import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { iocpWorker } from '../support/beds.ts';
import { sharedPal } from '../support/pal-fixture.ts';
import { receive, send } from '../support/udp.ts';

describe('docs/examples/udp-echo.ts', () => {
  const fixture = sharedPal(iocpWorker);
  let child: ChildProcess | undefined;
  // Whatever becomes of the test.
  afterEach(() => void child?.kill('SIGKILL'));

  it('sends every datagram back to its sender', async () => {
    const { pal } = fixture;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const script = fileURLToPath(new URL(`../../docs/examples/udp-echo.${extension}`, import.meta.url));
    const server = spawn(process.execPath, [script, '0'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child = server;
    let output = '';
    while (!output.includes('\n')) output += String((await once(server.stdout, 'data'))[0]);
    const port = Number(/:(\d+)\n/.exec(output)?.[1]);
    const to = { address: '127.0.0.1', port };
    const clients = [0, 1, 2].map(() => pal.createUdpSocket('127.0.0.1', 0));
    for (const [index, { handle }] of clients.entries()) {
      const answer = receive(pal, handle);
      await send(pal, handle, `hello ${index}`, to);
      const { data, peer } = await answer;
      expect(data.toString()).to.equal(`hello ${index}`);
      expect(peer?.port).to.equal(port);
    }
  });
});
