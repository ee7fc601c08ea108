/** The demo, `npm start`: it does its work, says so, and ends on Ctrl+C. */
import { expect } from 'chai';
import path from 'node:path';
import process from 'node:process';
import { COMMAND_TIMEOUT_MS, startCommand, type Command } from './command.ts';

const startDemo = (args: readonly string[]): Command =>
  startCommand('wine.mjs', [path.join('demo', 'main.ts'), ...args]);

describe('demo', function () {
  this.timeout(COMMAND_TIMEOUT_MS);
  this.slow(COMMAND_TIMEOUT_MS);
  before(function () {
    if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) this.skip();
  });

  it('does its work to the end, whether or not there is an input', async () => {
    const command = startDemo(['--connections', '20', '--messages', '5']);
    command.endInput();
    const { code, stdout } = await command.ended;
    expect(stdout).to.match(/^OK: every byte came back as it was sent$/m);
    expect(code).to.equal(0);
  });

  it('closes what is open on Ctrl+C', async function () {
    if (process.platform === 'win32') return this.skip();
    const command = startDemo(['--connections', '20', '--messages', '1000000']);
    await command.prints(/^1 s: 20 connections/m);
    command.interrupt();
    const { code, stderr } = await command.ended;
    expect({ code, stderr }).to.deep.equal({ code: 130, stderr: '\nInterrupted: closing what is open\n' });
  });
});
