/** What TypeScript becomes is kept for the next process, and made anew when the source has changed. */
import { expect } from 'chai';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { remove } from '../../../scripts/remove.mjs';
import { stripped } from '../../../scripts/types/stripped.mjs';

const file = path.resolve('src', 'some', 'file.ts');

describe('TypeScript without its types', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-stripped-'));
  });

  afterEach(() => {
    remove(folder);
  });

  const keptFile = (): string => path.join(folder, readdirSync(folder)[0] ?? 'nothing was kept');

  it('is what was kept, as long as the source is the same', async () => {
    const made = await stripped(file, 'const a: number = 1;', folder);
    expect(made).to.match(/^const a = 1;\n/);
    expect(readFileSync(keptFile(), 'utf8').endsWith(made)).to.equal(true);
    writeFileSync(keptFile(), readFileSync(keptFile(), 'utf8').replace('a = 1', 'a = 2'));
    expect(await stripped(file, 'const a: number = 1;', folder)).to.match(/^const a = 2;\n/);
  });

  it('is made anew when the source has changed, in the same place', async () => {
    await stripped(file, 'const a: number = 1;', folder);
    expect(await stripped(file, 'const b: number = 1;', folder)).to.match(/^const b = 1;\n/);
    expect(readdirSync(folder)).to.have.lengthOf(1);
  });

  it('is made anew where what was kept is broken', async () => {
    await stripped(file, 'const a: number = 1;', folder);
    for (const broken of ['', readFileSync(keptFile(), 'utf8').slice(0, 10)]) {
      writeFileSync(keptFile(), broken);
      expect(await stripped(file, 'const a: number = 1;', folder)).to.match(/^const a = 1;\n/);
    }
  });

  it('is made where nothing can be kept', async () => {
    const taken = path.join(folder, 'taken');
    writeFileSync(taken, '');
    expect(await stripped(file, 'const a: number = 1;', taken)).to.match(/^const a = 1;\n/);
  });

  it('names its source without a folder, so that copies of the repository can share it', async () => {
    const map = /base64,(.*)\n$/.exec(await stripped(file, 'const a: number = 1;', folder))?.[1] ?? '';
    const parsed = JSON.parse(Buffer.from(map, 'base64').toString()) as object;
    expect(parsed)
      .to.deep.include({ sources: ['file.ts'] })
      .and.not.to.have.property('sourcesContent');
  });
});
