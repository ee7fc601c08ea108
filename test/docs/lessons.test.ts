/** docs/testing.md, "What running real software taught": are the tests that it names there? */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { root } from '../../scripts/paths.mjs';

const page = readFileSync(path.join(root, 'docs/testing.md'), 'utf8');
const [, table = ''] = /<!-- lessons -->([^]*?)<!-- end of lessons -->/.exec(page) ?? [];
const lessons = [...table.matchAll(/^\| (?!what ran|-)(.*?) +\| (.*?) +\| (.*?) +\|$/gm)];

describe('docs/testing.md: what running real software taught', () => {
  it('is a table of lessons', () => expect(lessons.length).to.be.greaterThan(20));

  for (const [, program = '', lesson = '', tests = ''] of lessons) {
    it(`${program}: ${lesson}`, () => {
      for (const named of tests.split('; ')) {
        const [, spec = '', title = ''] = /^`(.+?)`: (.+)$/.exec(named) ?? [];
        const files = ['test', 'windows.test'].map((kind) => path.join(root, 'test', `${spec}.${kind}.ts`));
        const sources = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
        expect(
          sources.some((source) => title !== '' && source.includes(title)),
          named,
        ).to.equal(true);
      }
    });
  }
});
