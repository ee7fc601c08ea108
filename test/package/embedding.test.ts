/**
 * The package inside what its users put it into: bundles, single executables, test runners, `node -e`, two copies of it.
 * Bundlers run on the host; what they make, and everything else, runs on the Windows node.exe. docs/bundling.md says what
 * each needs.
 */
import { expect } from 'chai';
import { copyFileSync, cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageFolder, root, vitestFolder, wineFolder } from '../../scripts/paths.mjs';
import { runOnWindowsNode, type WindowsNode } from '../../scripts/wine.mjs';
import { addWindowsBinary, makeProject, publish, run } from './published.ts';
import { remove } from '../../scripts/remove.mjs';

/** Bundling everything once, on a machine that does other things too. */
const TIMEOUT_MS = 900_000;

/** What consumer/echo.cjs prints. */
const ECHO = 'hello, 10 bytes received\n';

const windowsIsThere = process.env['IOCP_PAL_RUN_WINDOWS'] !== undefined;
const nodeExe =
  process.platform === 'win32' ? process.execPath : path.join(wineFolder, 'node_modules', 'node22', 'bin', 'node.exe');

interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

async function runOnWindows(cwd: string, args: string[], options: WindowsNode = {}): Promise<Printed> {
  const { code, stdout, stderr } = await runOnWindowsNode(args, { ...options, cwd, stdio: 'pipe' });
  return { code, stdout: stdout.replaceAll('\r', ''), stderr };
}

/** Echoes with both waiters, and an end by itself. */
async function expectEchoes(cwd: string, args: string[], options: WindowsNode = {}): Promise<void> {
  expect(await runOnWindows(cwd, args, options)).to.deep.equal({ code: 0, stdout: ECHO.repeat(2), stderr: '' });
}

describe('the package, embedded', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(TIMEOUT_MS);
  /** Where the programs are bundled, with node_modules. */
  let project: string;
  /** What is shipped: the bundles, and koffi with its binary in node_modules. */
  let shipped: string;
  /** A folder without node_modules, nor above it, with a node.exe: nothing is found by accident. */
  let alone: string;

  before(async function () {
    if (!windowsIsThere) return this.skip();
    const { folder } = await publish();
    [shipped, alone] = [path.join(folder, 'shipped'), path.join(folder, 'alone')];
    project = await makeProject('embedding', ['embedding']);
    copyFileSync(path.join(packageFolder, 'consumer', 'echo.cjs'), path.join(project, 'echo.cjs'));
    const modules = path.join(project, 'node_modules');
    addWindowsBinary(modules);
    mkdirSync(shipped);
    await run(process.execPath, ['bundle.mjs', shipped, root], project);
    for (const name of ['koffi', '@koromix']) {
      cpSync(path.join(modules, name), path.join(shipped, 'node_modules', name), { recursive: true });
    }
    mkdirSync(alone);
    copyFileSync(nodeExe, path.join(alone, 'node.exe'));
  });

  describe('as a bundle, away from where it was made', () => {
    // Some bundlers write the paths of the building machine down.
    before(() => renameSync(path.join(project, 'node_modules'), path.join(project, 'modules-of-the-build')));
    after(() => renameSync(path.join(project, 'modules-of-the-build'), path.join(project, 'node_modules')));

    for (const name of ['esbuild-esm.mjs', 'esbuild-import.cjs', 'esbuild-require.cjs', 'webpack.cjs', 'webpack.mjs']) {
      it(name, () => expectEchoes(shipped, [name]));
    }
    for (const name of ['rollup.mjs', 'rollup.cjs']) it(name, () => expectEchoes(shipped, [name]));

    it("ncc, CommonJS: with koffi's binary, and without node_modules", async () => {
      cpSync(path.join(shipped, 'ncc-cjs'), path.join(alone, 'ncc-cjs'), { recursive: true });
      await expectEchoes(alone, [path.join('ncc-cjs', 'index.cjs')], { program: path.join(alone, 'node.exe') });
    });

    // koffi's own code uses __filename, which an ES module does not have: the koffi in node_modules takes its place.
    it('ncc, an ES module', () => expectEchoes(shipped, [path.join('ncc-mjs', 'index.mjs')]));

    it('a single executable, with koffi in node_modules beside it', async () => {
      const config = { main: 'esbuild-import.cjs', output: 'sea.blob', disableExperimentalSEAWarning: true };
      writeFileSync(path.join(shipped, 'sea.json'), JSON.stringify(config));
      const { code } = await runOnWindows(shipped, ['--experimental-sea-config', 'sea.json']);
      expect(code).to.equal(0);
      const program = path.join(shipped, 'program.exe');
      copyFileSync(nodeExe, program);
      await run(process.execPath, ['inject.mjs', program, path.join(shipped, 'sea.blob'), root], project);
      await expectEchoes(shipped, [], { program });
    });

    it('says so in initialize() when the bundle has lost koffi', async () => {
      copyFileSync(path.join(shipped, 'refused-bundle.cjs'), path.join(alone, 'refused-bundle.cjs'));
      const { code, stdout } = await runOnWindows(alone, ['refused-bundle.cjs'], {
        program: path.join(alone, 'node.exe'),
      });
      expect(stdout).to.match(/^InitializationFailed ERR_KOFFI_NOT_FOUND: .*npm install koffi.*docs\/bundling\.md\n$/);
      expect(code).to.equal(0);
    });
  });

  describe('in one process', () => {
    for (const [type, load] of [
      ['module', "import * as iocpPal from 'iocp-pal'; import echo from './echo.cjs';"],
      ['commonjs', "const iocpPal = require('iocp-pal'); const echo = require('./echo.cjs');"],
    ] as const) {
      it(`node --input-type=${type} -e`, () => {
        const program = `${load} echo(iocpPal, {}).then(() => echo(iocpPal, { waiter: 'inline' }));`;
        return expectEchoes(project, [`--input-type=${type}`, '-e', program]);
      });
    }

    it('an agent that --require loads', () => expectEchoes(project, ['--require', './preload.cjs', 'app.mjs']));

    it('twice: in node_modules, for import and require, and in a bundle', async () => {
      copyFileSync(path.join(shipped, 'copy.cjs'), path.join(project, 'copy.cjs'));
      const outcome = await runOnWindows(project, ['two-copies.cjs']);
      expect(outcome).to.deep.equal({ code: 0, stdout: ECHO.repeat(3), stderr: '' });
    });

    it('jest, in CommonJS, in ES modules, and under fake timers', async () => {
      const jest = path.join(packageFolder, 'node_modules', 'jest', 'bin', 'jest.js');
      const args = ['--experimental-vm-modules', '--no-warnings', jest, '--config', 'jest/jest.config.json', '--ci'];
      const { code, stderr } = await runOnWindows(project, [...args, '--runInBand', '--silent']);
      expect(stderr).to.match(/^Tests: +6 passed, 6 total/m);
      expect(code).to.equal(0);
    });

    it('vitest, in threads and processes, inlined or not, and under fake timers', async () => {
      const vitest = path.join(vitestFolder, 'node_modules', 'vitest', 'vitest.mjs');
      // 'native': node.exe reads the configuration itself, which esbuild would bundle first otherwise.
      // --bail: a call that hangs costs one timeout, not one for each test; in the configuration it would not reach the projects.
      const args = ['run', '--root', 'vitest', '--configLoader', 'native', '--silent', '--bail=1'];
      const { code, stdout, stderr } = await runOnWindows(project, [vitest, ...args]);
      expect(stdout + stderr).to.match(/^ *Tests +40 passed \(40\)/m);
      expect(code).to.equal(0);
    });

    if (process.platform === 'win32') {
      it('tsx, from source', async () => {
        const tsx = path.join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
        const demo = path.join('demo', 'main.ts');
        await run(process.execPath, [tsx, demo, '--connections', '20'], root);
      });
    }
  });

  describe('where it cannot work, initialize() says what to do', () => {
    const permitted = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*', '--no-warnings'];

    it('the permission model, without --allow-addons', async () => {
      const { code, stdout } = await runOnWindows(project, [...permitted, '--allow-worker', 'refused.cjs']);
      expect(stdout).to.match(/^InitializationFailed ERR_ADDONS_FORBIDDEN: .*--allow-addons.*\n$/);
      expect(code).to.equal(0);
    });

    it('the permission model, without --allow-worker', async () => {
      const { code, stdout } = await runOnWindows(project, [...permitted, '--allow-addons', 'refused.cjs']);
      expect(stdout).to.match(/^InitializationFailed ERR_WAITER_THREAD: .*--allow-worker.*waiter: 'inline'\n$/);
      expect(code).to.equal(0);
    });

    it('npm install --omit=optional: koffi without its binary', async () => {
      const omitted = path.join(alone, 'omitted');
      for (const name of ['koffi', 'iocp-pal']) {
        cpSync(path.join(project, 'node_modules', name), path.join(omitted, 'node_modules', name), { recursive: true });
      }
      copyFileSync(path.join(project, 'refused.cjs'), path.join(omitted, 'refused.cjs'));
      const program = path.join(alone, 'node.exe');
      const { code, stdout } = await runOnWindows(omitted, ['refused.cjs'], { program });
      expect(stdout).to.match(
        /^InitializationFailed ERR_KOFFI_BINARY_NOT_FOUND: .*koffi-win32-\w+.*--omit=optional.*\n$/,
      );
      expect(code).to.equal(0);
      remove(omitted);
    });
  });
});
