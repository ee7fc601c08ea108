/** The examples for callbacks under docs/examples end by themselves: on Ctrl+C, and at the end of their input. */
import { expect } from 'chai';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { root } from '../../scripts/paths.mjs';
import { COMMAND_TIMEOUT_MS, startCommand, type Command } from './command.ts';

interface Example {
  readonly args: readonly string[];
  /** Printed when it can be stopped; the first group is the port of a TCP server. */
  readonly ready: RegExp;
}

/** Servers, which go on until they are told to end. */
const SERVERS: Readonly<Record<string, Example>> = {
  'echo-server.ts': { args: ['0'], ready: /^echo server on 127\.0\.0\.1:(\d+)$/m },
  'iocp-from-scratch.ts': { args: ['0'], ready: /^echo server on 127\.0\.0\.1:(\d+)$/m },
  'thread-per-core.ts': { args: ['0', '2'], ready: /^echo server on 127\.0\.0\.1:(\d+), 2 loops$/m },
  'udp-echo.ts': { args: ['0'], ready: /^echo on UDP 127\.0\.0\.1:\d+$/m },
};

const folder = path.join('docs', 'examples');
const startExample = (name: string, args: readonly string[]): Command =>
  startCommand('wine.mjs', [path.join(folder, name), ...args]);

describe('docs/examples', () => {
  it('has no example that is not tried', () => {
    const specs = ['examples', 'promises-examples', 'rtmp-relay'].map((name) =>
      path.join(root, 'test', 'commands', `${name}.test.ts`),
    );
    const tried = specs.map((file) => readFileSync(file, 'utf8')).join('');
    const files = readdirSync(path.join(root, folder));
    expect(files.filter((name) => !tried.includes(`'${name}`))).to.deep.equal([]);
  });
});

describe('docs/examples, for callbacks', function () {
  this.timeout(COMMAND_TIMEOUT_MS);
  this.slow(COMMAND_TIMEOUT_MS);
  let client: Socket | undefined;
  before(function () {
    if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) this.skip();
  });
  // Whatever becomes of the test.
  afterEach(() => void client?.destroy());

  for (const [name, { args, ready }] of Object.entries(SERVERS)) {
    for (const [what, end] of [
      ['Ctrl+C', (command: Command) => command.interrupt()],
      ['the end of its input', (command: Command) => command.endInput()],
    ] as const) {
      it(`${name} ends on ${what}, and closes the connection that it serves`, async function () {
        if (what === 'Ctrl+C' && process.platform === 'win32') return this.skip(); // no process can send it to one alone
        const command = startExample(name, args);
        const [, port] = await command.prints(ready);
        let closed: Promise<unknown> = Promise.resolve();
        if (port !== undefined) {
          client = connect(Number(port), '127.0.0.1');
          client.write('hello');
          expect(String((await once(client, 'data'))[0])).to.equal('hello');
          closed = once(client, 'close');
        }
        end(command);
        const { code, stderr } = await command.ended;
        expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
        await closed;
      });
    }
  }

  for (const [name, { args, ready }] of Object.entries(SERVERS)) {
    it(`${name} ends when its input is over from the start`, async () => {
      const command = startExample(name, args);
      command.endInput();
      const { code, stdout, stderr } = await command.ended;
      expect(stdout).to.match(ready);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    });
  }
});
