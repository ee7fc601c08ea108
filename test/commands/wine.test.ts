/** `npm run wine` is a console to the script: its input, Ctrl+C, its exit code. */
import { expect } from 'chai';
import process from 'node:process';
import { COMMAND_TIMEOUT_MS, startCommand } from './command.ts';

const LISTENS = `process.once('SIGINT', (signal) => { console.log('heard ' + signal); clearInterval(timer); });`;
const WAITS = `console.log('up'); const timer = setInterval(() => {}, 1000);`;

describe('npm run wine', function () {
  this.timeout(COMMAND_TIMEOUT_MS);
  this.slow(COMMAND_TIMEOUT_MS);
  before(function () {
    if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) this.skip();
  });

  it('without a script prints its own usage, and exits with 2', async () => {
    for (const args of [[], ['--node=22']]) {
      const { code, stdout, stderr } = await startCommand('wine.mjs', args).ended;
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr).to.match(/^npm run wine -- .*script/);
    }
  });

  it('prints it for --help, which is no failure', async () => {
    const { code, stdout } = await startCommand('wine.mjs', ['--help']).ended;
    expect(code).to.equal(0);
    expect(stdout).to.match(/--node=VERSION/);
  });

  it('says which node.exe there are when another is asked for, without a stack', async function () {
    if (process.platform === 'win32') return this.skip(); // it is the one that runs this
    const { code, stderr } = await startCommand('wine.mjs', ['--node=19', 'x.js']).ended;
    expect(code).to.equal(1);
    expect(stderr).to.match(/^Cannot run Node 19 under Wine: there is .*22/);
    expect(stderr).not.to.match(/^ {4}at /m);
  });

  it('hands on the input while it comes, and its end', async () => {
    const script = `process.stdin.on('data', (data) => console.log('got ' + String(data).trim()))
      .on('end', () => console.log('end'))`;
    const command = startCommand('wine.mjs', ['-e', script]);
    command.type('one\n');
    await command.prints(/got one/);
    command.type('two\n');
    await command.prints(/got two/);
    command.endInput();
    const { code, stdout } = await command.ended;
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'got one\ngot two\nend\n' });
  });

  it('hands it on to whoever reads descriptor 0 at once', async () => {
    const script = `console.log(require('fs').readFileSync(0, 'utf8').length)`;
    const command = startCommand('wine.mjs', ['-e', script]);
    command.type('x'.repeat(100_000));
    command.endInput();
    expect(await command.ended).to.deep.include({ code: 0, stdout: '100000\n' });
  });

  it('is not kept by an input that stays open and that nobody reads', async () => {
    for (const script of ['process.stdin', `process.stdin.on('data', () => {}).unref()`]) {
      const command = startCommand('wine.mjs', ['-e', script]);
      expect(await command.ended).to.deep.include({ code: 0 });
      command.endInput();
    }
  });

  describe('Ctrl+C', () => {
    before(function () {
      if (process.platform === 'win32') this.skip(); // no process can send it to one alone
    });

    it('is a SIGINT event, after which the script ends as it likes', async () => {
      const command = startCommand('wine.mjs', ['-e', `${LISTENS} ${WAITS}`]);
      await command.prints(/up/);
      command.interrupt();
      expect(await command.ended).to.deep.include({ code: 0, stdout: 'up\nheard SIGINT\n' });
    });

    it('gives the exit code that the listener chooses', async () => {
      const command = startCommand('wine.mjs', ['-e', `process.on('SIGINT', () => process.exit(7)); ${WAITS}`]);
      await command.prints(/up/);
      command.interrupt();
      expect(await command.ended).to.deep.include({ code: 7 });
    });

    it('ends a script that does not listen, with 130', async () => {
      const command = startCommand('wine.mjs', ['-e', WAITS]);
      await command.prints(/up/);
      command.interrupt();
      expect(await command.ended).to.deep.include({ code: 130, stdout: 'up\n' });
    });

    it('comes once when the terminal and npm both send it', async () => {
      const script = `let times = 0; process.on('SIGINT', () => { if (++times === 1) setTimeout(() => process.exit(times), 200); });`;
      // Whatever lies REPEAT_MS apart was pressed twice. A busy machine lets that much pass between these two once, not always.
      let code: number | null = null;
      for (let tries = 0; tries < 3 && code !== 1; tries++) {
        const command = startCommand('wine.mjs', ['-e', `${script} ${WAITS}`]);
        await command.prints(/up/);
        command.interrupt();
        command.interrupt();
        ({ code } = await command.ended);
      }
      expect(code).to.equal(1);
    });

    it('comes again, as often as it is pressed, to a script that listens', async () => {
      const script = `let times = 0; process.on('SIGINT', () => { console.log('time ' + ++times); if (times === 3) process.exit(); });`;
      const command = startCommand('wine.mjs', ['-e', `${script} ${WAITS}`]);
      await command.prints(/up/);
      for (const time of [1, 2, 3]) {
        command.interrupt();
        await command.prints(new RegExp(`time ${time}`));
        command.interrupt(); // npm's
        await new Promise((resolve) => setTimeout(resolve, 600)); // beyond REPEAT_MS
      }
      expect((await command.ended).code).to.equal(0);
    });

    it('repeated, ends a script that has stopped listening', async () => {
      const script = `process.on('SIGINT', () => { console.log('stuck'); for (;;); });`;
      const command = startCommand('wine.mjs', ['-e', `${script} ${WAITS}`]);
      await command.prints(/up/);
      command.interrupt();
      await command.prints(/stuck/);
      const again = setInterval(() => command.interrupt(), 1000);
      const { code } = await command.ended;
      clearInterval(again);
      expect(code).to.equal(130);
    });
  });
});
