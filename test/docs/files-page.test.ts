/** The function of docs/files.md that checks paths: what it admits, and what not. */
import { expect } from 'chai';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { remove } from '../../scripts/remove.mjs';

const page = new URL('../../docs/files.md', import.meta.url);

describe('docs/files.md, Paths that come from a request', () => {
  let folder = '';
  let root = '';
  let fileFor: (root: string, requested: string) => Promise<string | null>;

  before(async () => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'iocp-pal-files-')));
    root = path.join(folder, 'root');
    mkdirSync(path.join(root, 'sub'), { recursive: true });
    writeFileSync(path.join(folder, 'secret.txt'), '');
    for (const name of ['a.txt', 'sub/b-1.flv', '.hidden', 'secret.txt']) writeFileSync(path.join(root, name), '');
    symlinkSync(folder, path.join(root, 'link'), 'junction');
    const shown = /```js\n([\s\S]*?)```/.exec(readFileSync(page, 'utf8'))?.[1] ?? '';
    const module = path.join(folder, 'file-for.mjs');
    writeFileSync(module, `${shown}export { fileFor };\n`);
    ({ fileFor } = (await import(pathToFileURL(module).href)) as { fileFor: typeof fileFor });
  });
  after(() => remove(folder));

  for (const name of ['a.txt', 'sub/b-1.flv']) {
    it(`admits ${name}`, async () => {
      expect(await fileFor(root, name)).to.equal(path.join(root, name));
    });
  }

  for (const name of [
    ...[
      '../secret.txt',
      '..\\secret.txt',
      'sub/../../secret.txt',
      '/a.txt',
      '\\a.txt',
      'C:\\a.txt',
      'C:a.txt',
      '',
      '.',
    ],
    ...['\\\\server\\share\\x', '//server/share/x', '\\\\.\\pipe\\x', '\\\\?\\C:\\x', 'a.txt/', 'sub//b-1.flv'],
    ...['NUL', 'aux.txt', 'sub/Com1', 'lpt9.log', 'a.txt:stream', 'a.txt::$DATA', 'a.txt.', 'a.txt ', 'SECRET~1.TXT'],
    ...['.hidden', 'a\0.txt', 'link/secret.txt'],
  ]) {
    it(`refuses ${JSON.stringify(name)}`, async () => {
      expect(await fileFor(root, name)).to.equal(null);
    });
  }

  it('rejects where there is no such file', async () => {
    const error = await fileFor(root, 'none.txt').catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'ENOENT');
  });
});
