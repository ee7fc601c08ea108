/** `npm run doctor`, as it is typed here: `npx iocp-pal doctor` from source, in a process of its own. */
import { expect } from 'chai';
import path from 'node:path';
import process from 'node:process';
import type { DoctorReport } from '../../src/doctor/report.ts';
import { COMMAND_TIMEOUT_MS, startCommand } from './command.ts';

const BIN = path.join('src', 'doctor', 'bin.ts');

describe('npx iocp-pal, on the Windows node.exe', function () {
  this.timeout(COMMAND_TIMEOUT_MS);
  this.slow(COMMAND_TIMEOUT_MS);
  before(function () {
    if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) this.skip();
  });

  it('examines this machine, and ends with 0', async () => {
    const { code, stdout, stderr } = await startCommand('wine.mjs', [BIN, 'doctor', '--json']).ended;
    const { verdict, simulated, checks } = JSON.parse(stdout) as DoctorReport;
    expect({ code, stderr, verdict, simulated }, stdout).to.deep.equal({
      code: 0,
      stderr: '',
      verdict: 'ok',
      simulated: false,
    });
    expect(checks).to.have.length.above(15);
  });

  it('prints its usage without a command, and ends with 2', async () => {
    const { code, stderr } = await startCommand('wine.mjs', [BIN]).ended;
    expect(code).to.equal(2);
    expect(stderr).to.match(/^npx iocp-pal doctor/);
  });
});
