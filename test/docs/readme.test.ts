/** The README and the pages under docs/ must not drift away from the repository they describe. */
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const INDEX = 'docs/README.md';
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** Pages for those who read the sources beside them: their links may lead to files that are not published. */
const READ_IN_THE_REPOSITORY = ['docs/design.md', 'docs/completion-ports.md'];

describe('README', () => {
  it('has at most 900 words', () => {
    expect(read('README.md').trim().split(/\s+/)).to.have.length.at.most(900);
  });

  it('and docs/udp.md shows docs/examples/udp-echo.ts as it is', () => {
    const shown = /```ts\n([\s\S]*?)```/.exec(read('docs/udp.md'))?.[1];
    expect(shown).to.equal(read('docs/examples/udp-echo.ts'));
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const page of pages) {
      for (const [command, name = ''] of read(page).matchAll(/\bnpm run ([a-z][a-z:-]*)/g)) {
        expect(scripts, `"${command}" in ${page}`).to.have.property(name);
      }
    }
  });
});

describe('docs/testing.md', () => {
  it('says of each folder of tests what it asks', () => {
    const section = read('docs/testing.md').split('## What runs where')[1]?.split('\n## ')[0] ?? '';
    const folders = readdirSync(path.join(root, 'test')).map((folder) => `test/${folder}`);
    expect(folders.filter((folder) => !section.includes(`\`${folder}\``))).to.deep.equal([]);
  });
});

describe(INDEX, () => {
  it('leads to every page', () => {
    const reached = new Set([INDEX]);
    for (const page of reached) for (const { file } of links(page)) if (file.endsWith('.md')) reached.add(file);
    expect(pages.filter((page) => !reached.has(page))).to.deep.equal([]);
    const fromIndex = links(INDEX).map(({ file }) => file);
    const own = pages.filter((page) => page.startsWith('docs/') && page !== INDEX);
    expect(own.filter((page) => !fromIndex.includes(page))).to.deep.equal([]);
  });
});

for (const page of pages) {
  describe(page, () => {
    it('has no link to a file or heading that does not exist', () => {
      for (const { target, file, heading } of links(page)) {
        expect(existsSync(path.join(root, file)), `${page} links to ${target}`).to.equal(true);
        if (heading !== undefined) expect(headings(read(file)), `${page} links to ${target}`).to.include(heading);
      }
    });

    it('has no link to a file that is not in the package', () => {
      if (READ_IN_THE_REPOSITORY.includes(page)) return;
      expect(
        links(page)
          .map(({ file }) => file)
          .filter((file) => !isPublished(file)),
      ).to.deep.equal([]);
    });

    it('names no file or folder of the repository that does not exist', () => {
      const named = [...read(page).matchAll(PATH), ...read(page).matchAll(SHORT_NAME_OF_A_TEST)];
      const files = named.map(([file]) => file.replace(/[.,:/]+$/, ''));
      expect(files.filter((file) => !exists(file))).to.deep.equal([]);
    });
  });
}

/** A path in the repository, where it is not a part of a longer one, of an address or of a link. */
const PATH = /(?<![\w./@(-])(?:src|ffi|test|scripts|benchmarks|demo|docs)\/[\w./*-]+/g;
/** A test as the tables call it: relative to `test`, and without its extensions. */
const SHORT_NAME_OF_A_TEST = new RegExp(
  `(?<=\`)(?:${readdirSync(path.join(root, 'test')).join('|')})/[\\w./-]+(?=\`)`,
  'g',
);

/** Whether there is such a file or folder. `*` stands for any characters of a name. */
function exists(file: string): boolean {
  const [start = '', end] = path.basename(file).split('*');
  if (end === undefined) {
    return [file, `test/${file}`, `test/${file}.test.ts`, `test/${file}.windows.test.ts`].some((candidate) =>
      existsSync(path.join(root, candidate)),
    );
  }
  const folder = path.join(root, path.dirname(file));
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(start) && name.endsWith(end));
}

/** Whether npm would publish it, as far as the patterns in package.json go. */
function isPublished(file: string): boolean {
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  return files.some((pattern) => {
    const [start = '', end] = pattern.split('*');
    if (end === undefined) return file === pattern;
    return file.startsWith(start) && file.endsWith(end) && !file.slice(start.length).includes('/');
  });
}

interface Link {
  /** As it is written. */
  readonly target: string;
  /** The file, relative to the repository. */
  readonly file: string;
  readonly heading: string | undefined;
}

/** The links of a page that do not lead to another site. */
function links(page: string): Link[] {
  return [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', heading] = target.split('#');
      return { target, heading, file: file === '' ? page : path.posix.join(path.posix.dirname(page), file) };
    });
}

/** The names by which GitHub lets headings be linked to. */
function headings(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, (code) => code.slice(1, -1).replace(/[[\]()]/g, ''));
}
