/** npm is run as a program of Node.js, since what starts it on Windows is a .cmd file. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { npmCommand, runNpm } from '../../../scripts/npm/npm.mjs';
import { root } from '../../../scripts/paths.mjs';
import { remove } from '../../../scripts/remove.mjs';

const WINDOWS = {
  execPath: 'C:\\Program Files\\nodejs\\node.exe',
  env: { PATH: 'C:\\Windows;C:\\Users\\a b\\AppData\\Roaming\\npm' },
  platform: 'win32' as const,
};
const LINUX = { execPath: '/usr/local/bin/node', env: {}, platform: 'linux' as const };

const only =
  (...files: string[]) =>
  (file: string): boolean =>
    files.includes(file);

describe('npm, run without a shell', () => {
  it('is the one that has started us', () => {
    const started = 'D:\\npm\\bin\\npm-cli.js';
    const beside = 'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js';
    const env = { ...WINDOWS.env, npm_execpath: started };
    const { command, args } = npmCommand({ ...WINDOWS, env, exists: only(started, beside) });
    expect([command, ...args]).to.deep.equal([WINDOWS.execPath, started]);
  });

  it('is not yarn or pnpm, if that has started us', () => {
    const beside = 'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js';
    const env = { ...WINDOWS.env, npm_execpath: 'C:\\yarn\\bin\\yarn.js' };
    expect(npmCommand({ ...WINDOWS, env, exists: only('C:\\yarn\\bin\\yarn.js', beside) }).args).to.deep.equal([
      beside,
    ]);
  });

  it('is the one that came with Node.js', () => {
    const windows = 'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js';
    expect(npmCommand({ ...WINDOWS, exists: only(windows) }).args).to.deep.equal([windows]);
    const linux = '/usr/local/lib/node_modules/npm/bin/npm-cli.js';
    expect(npmCommand({ ...LINUX, exists: only(linux) })).to.deep.equal({ command: LINUX.execPath, args: [linux] });
  });

  it('is found through PATH, on Windows by the file beside its .cmd', () => {
    const installed = 'C:\\Users\\a b\\AppData\\Roaming\\npm\\node_modules\\npm\\bin\\npm-cli.js';
    expect(npmCommand({ ...WINDOWS, exists: only(installed) }).args).to.deep.equal([installed]);
    expect(npmCommand({ ...LINUX, exists: only() })).to.deep.equal({ command: 'npm', args: [] });
  });

  it('is missed in words that help', () => {
    expect(() => npmCommand({ ...WINDOWS, exists: only() })).to.throw(/^Cannot run npm: .*install Node\.js with npm/);
  });

  it('is given arguments as they are: spaces, quotes and signs of shells', async function () {
    const above = mkdtempSync(path.join(tmpdir(), 'iocp-pal npm & '));
    const folder = path.join(above, 'a folder (1) %PATH% $HOME');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "spaced" }');
    const description = 'say "hello" \\"there\\" & go';
    const set = await runNpm(['pkg', 'set', `description=${description}`, '--prefix', folder], above);
    expect(set, set.stderr).to.include({ code: 0 });
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as unknown;
    expect(manifest).to.deep.equal({ name: 'spaced', description });
    remove(above);
  });

  it('is the rule: nothing here is started through a shell of Windows', () => {
    const files = ['scripts', 'test', 'benchmarks'].flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|mjs|cjs|js)$/.test(file) && !file.includes('node_modules'))
        .map((file) => path.join(folder, file)),
    );
    expect(files.length).to.be.above(100);
    const shell = new RegExp(['cmd', '\\.exe|shell', ":\\s*(true|')|\\w\\.cmd", '[\'"`]'].join(''), 'i');
    const found = files.filter((file) => shell.test(readFileSync(path.join(root, file), 'utf8')));
    expect(found.filter((file) => !file.endsWith(`${path.sep}npm.mjs`))).to.deep.equal([]);
  });
});
