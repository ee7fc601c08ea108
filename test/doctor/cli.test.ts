/** `npx iocp-pal …`: the command line. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { run, USAGE } from '../../src/doctor/cli.ts';
import type { Machine } from '../../src/doctor/machine.ts';
import type { DoctorReport } from '../../src/doctor/report.ts';
import { simulatedMachine } from '../../src/doctor/simulated-machine.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

describe('npx iocp-pal', function () {
  this.slow(60_000);

  it('prints its usage when asked, and as an error without a command', async () => {
    for (const flag of ['--help', '-h']) {
      expect(await run([flag])).to.deep.equal({ stdout: USAGE, stderr: '', code: 0 });
    }
    expect(await run([])).to.deep.equal({ stdout: '', stderr: USAGE, code: 2 });
  });

  it('prints its version', async () => {
    expect(await run(['--version'])).to.deep.equal({ stdout: version, stderr: '', code: 0 });
  });

  it('refuses what it does not know, and says what there is', async () => {
    for (const args of [['--nonsense'], ['doctors'], ['doctor', 'who'], ['doctor', '--json=yes']]) {
      const { stdout, stderr, code } = await run(args);
      expect({ stdout, code }, args.join(' ')).to.deep.equal({ stdout: '', code: 2 });
      expect(stderr).to.include(USAGE);
    }
  });

  it('examines the simulated platform on any system, as text and as JSON', async () => {
    const text = await run(['doctor', '--simulated']);
    expect(text.code).to.equal(0);
    expect(text.stdout).to.match(/^iocp-pal \S+ doctor, on the simulated platform\n/);
    const { stdout, code } = await run(['doctor', '--simulated', '--json']);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(code).to.equal(0);
    expect(report).to.include({ version, verdict: 'ok', simulated: true });
  });

  it('exits with 1 when a check has failed', async () => {
    const layered = (): Machine => simulatedMachine({ layeredProvider: true });
    const { stdout, code } = await run(['doctor', '--simulated'], { windows: layered, simulated: layered });
    expect(code).to.equal(1);
    expect(stdout).to.match(/^\d of \d+ checks failed\. Each says what to do$/m);
  });

  it('says that this is not Windows, and exits with 2', async function () {
    if (process.platform === 'win32') return this.skip();
    const { stdout, code } = await run(['doctor']);
    expect(code).to.equal(2);
    expect(stdout).to.match(/^iocp-pal cannot run here: .* on (linux|darwin): they exist on Windows only/m);
    expect(JSON.parse((await run(['doctor', '--json'])).stdout)).to.include({ verdict: 'unable' });
  });
});
