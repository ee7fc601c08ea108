/** docs/examples/thread-per-core.ts does what it says: every connection is echoed, by several loops, and it ends in order. */
import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { iocpSkipping } from '../../support/beds.ts';
import { connect, readExactly, readToEnd, write } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

describe('docs/examples/thread-per-core.ts', function () {
  const fixture = sharedPal(iocpSkipping);
  let child: ChildProcess | undefined;
  // Whatever becomes of the test.
  afterEach(() => void child?.kill('SIGKILL'));

  it('echoes on two loops, and stops', async () => {
    const { pal } = fixture;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const script = fileURLToPath(new URL(`../../../docs/examples/thread-per-core.${extension}`, import.meta.url));
    const server = spawn(process.execPath, [script, '0', '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child = server;
    const exited = new Promise((resolve) => server.once('exit', resolve));
    const line = await new Promise<string>((resolve) => createInterface(server.stdout).once('line', resolve));
    const port = Number(/^echo server on 127\.0\.0\.1:(\d+), 2 loops$/.exec(line)?.[1]);
    expect(port, line).to.be.above(0);
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(pal, '127.0.0.1', port)));
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        clients.map(async (client, index) => {
          const message = Buffer.alloc(1000, index + round);
          await write(pal, client, message);
          expect((await readExactly(pal, client, 1000)).equals(message)).to.equal(true);
        }),
      );
    }
    server.stdin.end();
    for (const client of clients) expect((await readToEnd(pal, client)).length).to.equal(0);
    expect(await exited).to.equal(0);
  });
});
