/** Removing, where somebody may have the file open. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { root } from '../../scripts/paths.mjs';
import { remove } from '../../scripts/remove.mjs';

describe('removing files and folders', () => {
  it('takes a file, a folder with what is in it, and what is not there', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-remove-'));
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    remove(file);
    expect(existsSync(file)).to.equal(false);
    remove(file);
    mkdirSync(path.join(folder, 'inner'));
    writeFileSync(path.join(folder, 'inner', 'file'), '');
    remove(folder);
    expect(existsSync(folder)).to.equal(false);
  });

  it('at the end of the process is not what a run fails of', () => {
    const module = pathToFileURL(path.join(root, 'scripts', 'remove.mjs')).href;
    // A path that the system refuses whoever asks: with a NUL in it.
    const program = `const { removeAtExit } = await import('${module}'); removeAtExit('nobody\\0'); console.log('ran');`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    expect({ status, stdout: stdout.toString(), stderr: stderr.toString() }).to.deep.equal({
      status: 0,
      stdout: 'ran\n',
      stderr: '',
    });
  });

  it('is done by these alone: whoever calls fs itself forgets to try again', () => {
    const files = ['scripts', 'test', 'benchmarks'].flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|mjs|cjs)$/.test(file) && !file.includes('node_modules'))
        .map((file) => path.join(folder, file)),
    );
    expect(files.length).to.be.above(100);
    const found = files.filter((file) =>
      /\b(rm|rmdir|unlink)(Sync)?\b[^;]*node:fs|\b(rm|rmdir|unlink)Sync\(/.test(
        readFileSync(path.join(root, file), 'utf8'),
      ),
    );
    expect(found).to.deep.equal([path.join('scripts', 'remove.mjs')]);
  });
});
