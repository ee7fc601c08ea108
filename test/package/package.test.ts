/**
 * What npm would publish: packed, checked, installed in empty projects, and used there from JavaScript and TypeScript.
 *
 * It needs the registry (koffi is installed with it), some minutes, and for the real thing Windows or Wine.
 */
import { expect } from 'chai';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runChild } from '../../scripts/child.mjs';
import { packageFolder, root } from '../../scripts/paths.mjs';
import { runOnWindowsNode } from '../../scripts/wine.mjs';
import { makeProject, npm, publish, run, type PackResult } from './published.ts';

/** Building, installing and compiling, each in a process of its own, on a machine that does other things too. */
const TIMEOUT_MS = 900_000;

/** What may be in the tarball. */
const PUBLISHED =
  /^(dist\/(ffi|src)\/.+\.(js|mjs|cjs|c?js\.map|d\.ts|d\.cts)|docs\/(benchmarks\/)?[\w-]+\.(md|svg)|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|LICENSE|package\.json)$/;

/** The code that the README shows: an echo server, and a test on the simulated platform. */
const JS_BLOCK = /```js\n([\s\S]*?)```/g;

describe('the package', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(TIMEOUT_MS);
  let project: string;
  let packed: PackResult;
  let tarball: string;

  before(async () => {
    ({ packed, tarball } = await publish());
    project = await makeProject('project', ['consumer']);
  });

  it('holds the library, its pages, README, LICENSE, CHANGELOG, CONTRIBUTING and SECURITY, and nothing else', () => {
    const files = packed.files.map((file) => file.path);
    expect(files.filter((file) => !PUBLISHED.test(file))).to.deep.equal([]);
    expect(files).to.include.members(['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json']);
    // README and messages of errors send the reader there.
    expect(files).to.include.members([
      'docs/errors.md',
      'docs/bundling.md',
      'docs/soak.svg',
      'docs/completion-ports-memory.svg',
    ]);
    // The code three times (ES modules, CommonJS, and the maps of both, which have the sources in them), and 0.5 MB of pages.
    expect(packed.unpackedSize, 'bytes').to.be.below(9_000_000);
  });

  it('is built before it is packed, and asks for nothing but koffi', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
      dependencies: Record<string, string>;
    };
    expect(manifest.scripts['prepack']).to.equal('npm run build');
    expect(Object.keys(manifest.dependencies)).to.deep.equal(['koffi']);
  });

  it('has nothing that publint finds', async () => {
    const cli = path.join(root, 'node_modules', 'publint', 'src', 'cli.js');
    expect(await run(process.execPath, [cli, tarball, '--strict'], root)).to.include('All good');
  });

  it('has types that resolve as its modules do, says arethetypeswrong', async () => {
    const cli = path.join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    // node10 is TypeScript's name for what Node.js did before `exports`; no Node.js that runs this package does.
    const said = await run(process.execPath, [cli, tarball, '--profile', 'node16', '--format', 'json'], root);
    const { problems } = JSON.parse(said) as { problems: Record<string, { resolutionKind?: string }[]> };
    const told = Object.values(problems).flat();
    expect(told.filter(({ resolutionKind }) => resolutionKind !== 'node10')).to.deep.equal([]);
  });

  it('names its classes as they are called, in every form of it', async () => {
    for (const [entry, names] of [
      ['index', ['NetworkError', 'RemoteLoop']],
      ['simulation/index', ['ChoiceTree', 'SimulationError']],
    ] as const) {
      for (const extension of ['js', 'cjs', 'mjs']) {
        const file = `./node_modules/iocp-pal/dist/src/${entry}.${extension}`;
        const said = `console.log(${JSON.stringify(names)}.map((name) => all[name].name).join())`;
        const program = `const all = await import('${file}'); ${said}`;
        expect((await run(process.execPath, ['--input-type=module', '-e', program], project)).trim(), file).to.equal(
          names.join(),
        );
      }
    }
  });

  for (const file of ['main.mjs', 'main.cjs']) {
    it(`runs ${file} on this Node, on its simulated platform`, async () => {
      expect(await run(process.execPath, [file, 'simulated'], project)).to.equal('hello, 10 bytes received\n');
    });

    for (const node of process.platform === 'win32' ? [process.versions.node] : ['20', '22']) {
      it(`runs ${file} on the Windows node.exe ${node}`, async function () {
        if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) return this.skip();
        const { code, stdout, stderr } = await runOnWindowsNode([file], { node, cwd: project, stdio: 'pipe' });
        expect({ code, stdout: stdout.replaceAll('\r', ''), stderr }).to.deep.equal({
          code: 0,
          stdout: 'hello, 10 bytes received\n'.repeat(2),
          stderr: '',
        });
      });
    }
  }

  it('loads iocp-pal/net for iocp-pal/promises only when somebody asks for a Socket', async () => {
    const program = `
      const { listen, connect } = require('iocp-pal/sim').simulate();
      const isLoaded = () => Object.keys(require.cache).some((file) => /net.index.cjs$/.test(file));
      listen().then(async (server) => {
        const connection = await connect({ port: server.port });
        const before = isLoaded();
        const socket = await connection.toSocket();
        console.log(before, isLoaded(), socket instanceof require('node:net').Socket, socket.remotePort === server.port);
        socket.destroy();
        await (await server.accept()).close();
        await server.close();
      });`;
    expect(await run(process.execPath, ['-e', program], project)).to.equal('false true false true\n');
  });

  for (const face of ['net', 'dgram']) {
    it(`runs ${face}.mjs on this Node, where iocp-pal/${face} is what the system has`, async () => {
      const whose = process.platform === 'win32' ? 'iocp-pal' : `node:${face}`;
      expect(await run(process.execPath, [`${face}.mjs`], project)).to.equal(`hello ${whose} true\n`);
    });

    it(`runs ${face}.mjs on the Windows node.exe, on completion ports`, async function () {
      if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) return this.skip();
      const { code, stdout, stderr } = await runOnWindowsNode([`${face}.mjs`], { cwd: project, stdio: 'pipe' });
      expect({ code, stdout: stdout.replaceAll('\r', ''), stderr }).to.deep.equal({
        code: 0,
        stdout: 'hello iocp-pal true\n',
        stderr: '',
      });
    });
  }

  for (const [system, whose] of [
    ['this Node', process.platform === 'win32' ? 'iocp-pal' : 'node:net'],
    ['the Windows node.exe', 'iocp-pal'],
  ] as const) {
    it(`runs registered.mjs on ${system}: http by name, iocp-pal/http and tls`, async function () {
      const onWindows = system !== 'this Node';
      if (onWindows && process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) return this.skip();
      const args = ['--import', 'iocp-pal/register', 'registered.mjs'];
      const running = { cwd: project, stdio: 'pipe' } as const;
      const end = await (onWindows ? runOnWindowsNode(args, running) : runChild(process.execPath, args, running));
      expect({ ...end, stdout: end.stdout.replaceAll('\r', '') }).to.include({
        code: 0,
        stdout: `${whose}\n${'/hello from http\n'.repeat(2)}hello from tls\n`,
        stderr: '',
      });
    });
  }

  describe('the README', () => {
    const [echo = '', seeded = ''] = [...readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(JS_BLOCK)].map(
      ([, code = '']) => code,
    );

    it('has a seeded test, which passes as it stands', async () => {
      expect(seeded)
        .to.match(/^\/\/ echo\.test\.mjs\n/)
        .and.to.include('seed: 7');
      // And with other seeds, some of which deliver the bytes in pieces.
      const files = [7, 23, 45, 46].map((seed) => {
        writeFileSync(path.join(project, `echo-${seed}.test.mjs`), seeded.replace('seed: 7', `seed: ${seed}`));
        return `echo-${seed}.test.mjs`;
      });
      const said = await run(process.execPath, ['--test', '--test-reporter=tap', ...files], project);
      expect(said).to.match(new RegExp(`^# pass ${files.length}$`, 'm'));
    });

    it('has an echo server, which echoes as it stands', async function () {
      if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) return this.skip();
      expect(echo).to.match(/^\/\/ echo\.mjs\n/);
      // But for its port, which may be somebody's here.
      writeFileSync(path.join(project, 'echo.mjs'), echo.replace('7007', '0'));
      const args = ['--import', './readme-client.mjs', 'echo.mjs'];
      const { code, stdout, stderr } = await runOnWindowsNode(args, { cwd: project, stdio: 'pipe' });
      expect({ code, stdout: stdout.replaceAll(/\r|(?<=:)\d+/g, ''), stderr }).to.deep.equal({
        code: 0,
        stdout: 'echo server on 127.0.0.1:\necho: hello\n',
        stderr: '',
      });
    });
  });

  describe('npx iocp-pal', () => {
    const bin = path.join('node_modules', 'iocp-pal', 'dist', 'src', 'doctor', 'bin.js');

    it('is found by npx, and examines the simulated platform on any system', async () => {
      const said = await npm(['exec', '--offline', '--no', '--', 'iocp-pal', 'doctor', '--simulated'], project);
      expect(said).to.match(/^iocp-pal \d+\.\d+\.\d+ doctor, on the simulated platform$/m);
      expect(said).to.match(/^All \d+ checks passed$/m);
    });

    it('says with exit code 2 that this is not Windows', async function () {
      if (process.platform === 'win32') return this.skip();
      const { code, stdout } = await runChild(process.execPath, [bin, 'doctor'], { cwd: project, stdio: 'pipe' });
      expect(code).to.equal(2);
      expect(stdout).to.match(/^iocp-pal cannot run here: .*they exist on Windows only/m);
    });

    for (const node of process.platform === 'win32' ? [process.versions.node] : ['20', '22']) {
      it(`finds this machine well, on the Windows node.exe ${node}`, async function () {
        if (process.env['IOCP_PAL_RUN_WINDOWS'] === undefined) return this.skip();
        const args = [bin, 'doctor', '--json'];
        const { code, stdout } = await runOnWindowsNode(args, { node, cwd: project, stdio: 'pipe' });
        expect({ code, report: JSON.parse(stdout) as unknown }, stdout)
          .to.deep.include({ code: 0 })
          .with.nested.include({ 'report.verdict': 'ok', 'report.simulated': false });
      });
    }
  });

  describe('compiles', () => {
    before(() => {
      const source = readFileSync(path.join(project, 'types.txt'), 'utf8');
      for (const extension of ['ts', 'mts', 'cts']) writeFileSync(path.join(project, `types.${extension}`), source);
      const types = path.join(project, 'node_modules', '@types');
      mkdirSync(types, { recursive: true });
      symlinkSync(path.join(packageFolder, 'node_modules', '@types', 'node'), path.join(types, 'node'), 'junction');
      symlinkSync(
        path.join(packageFolder, 'node_modules', 'undici-types'),
        path.join(project, 'node_modules', 'undici-types'),
        'junction',
      );
    });

    const everyMode = ['node16', 'nodenext', 'bundler'];
    for (const [compiler, modes] of [
      [path.join(packageFolder, 'node_modules', 'typescript54'), everyMode],
      [path.join(packageFolder, 'node_modules', 'typescript59'), ['nodenext']],
      [path.join(root, 'node_modules', 'typescript'), ['nodenext']],
      [path.join(packageFolder, 'node_modules', 'typescript7'), everyMode],
    ] as const) {
      const { version } = JSON.parse(readFileSync(path.join(compiler, 'package.json'), 'utf8')) as { version: string };
      for (const mode of modes) {
        it(`with TypeScript ${version}, ${mode}`, async () => {
          const module = mode === 'bundler' ? 'esnext' : mode;
          const files = mode === 'bundler' ? ['types.ts'] : ['types.mts', 'types.cts'];
          const options = `--noEmit --strict --target es2022 --types node --module ${module} --moduleResolution ${mode}`;
          const tsc = path.join(compiler, 'bin', 'tsc');
          await run(process.execPath, [tsc, ...options.split(' '), ...files], project);
        });
      }
    }
  });
});
